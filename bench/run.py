"""One run of the benchmark: its corpus, its working directory, and the baseline that its ratios refer to."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import machine
from bench.corpus import Piece, pieces
from bench.segments import batches, write_segment
from bench.server import ROOT, python

__all__ = ["BODY", "Run", "child", "progress"]

BODY: Final = 4 << 20
"""Bytes of one batch."""


class Run:
    """What the measures share."""

    def __init__(self, corpus: Path, work: Path, *, rounds: int) -> None:
        """``work`` is an empty directory of this run."""
        self.corpus = corpus
        self.work = work
        self.rounds = rounds
        self.pieces: Sequence[Piece] = pieces(corpus, BODY)
        self.rows = sum(piece.rows for piece in self.pieces)
        self.bytes = corpus.stat().st_size
        self.baselines: dict[str, list[float]] = {"default": [], "store": [], "parallel": []}
        """Rows a second of the bare engine, by its settings."""
        self.surveys: list[float] = []
        self.disturbances: list[float] = []
        """Share of the machine that others used during each run of the bare engine."""
        self.baseline_cpu: list[float] = []
        """CPU seconds a row of the bare engine, of every run."""

    @property
    def loaded(self) -> Path:
        """Data directory of a server that has taken the corpus in; there when a measure has put it there."""
        return self.work / "loaded"

    def baseline(self) -> float:
        """Rows a second of the bare engine, measured now. The first time says which settings are the faster."""
        modes = (
            [max(self.baselines, key=lambda mode: median(self.baselines[mode]))]
            if self.surveys
            else list(self.baselines)
        )
        return max(self._bare_engine(mode) for mode in modes)

    def scratch(self, name: str) -> Path:
        """A directory that is not there yet."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def _bare_engine(self, mode: str) -> float:
        segment = self.work / "corpus.segment"
        if not segment.exists():
            write_segment(segment, batches(self.corpus, self.pieces))
        directory = self.scratch("bare")
        began, all_cpu, own_cpu = time.monotonic(), machine.busy_seconds(), _children_cpu()
        found = child("bench.bare_engine", segment, directory / "store", mode)
        others = machine.busy_seconds() - all_cpu - (_children_cpu() - own_cpu)
        self.disturbances.append(max(0.0, others) / (time.monotonic() - began) / (os.cpu_count() or 1))
        shutil.rmtree(directory, ignore_errors=True)
        if found["rows"] != self.rows:
            raise RuntimeError(f"the bare engine stored {found['rows']} of {self.rows} rows")
        rate: float = self.rows / found["seconds"]
        self.baselines[mode].append(rate)
        self.surveys.append(found["survey"])
        self.baseline_cpu.append(found["cpu"] / self.rows)
        progress(f"bare engine, {mode} settings: {rate:,.0f} rows/s")
        return rate


def child(module: str, *arguments: object, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run one of our own modules to its end; the JSON object that it prints. ``variables``: more of the environment."""
    command = [*python(module), *map(str, arguments)]
    # Through a file: a megabyte of latencies through a pipe came back cut at the pipe's 64 KiB once.
    with tempfile.TemporaryFile() as out:
        subprocess.run(command, cwd=ROOT, stdout=out, check=True, env={**os.environ, **(variables or {})})
        out.seek(0)
        found: dict[str, Any] = json.loads(out.read().splitlines()[-1])
    return found


def _children_cpu() -> float:
    """CPU seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def progress(text: str) -> None:
    """For whoever waits."""
    print(f"  {text}", file=sys.stderr, flush=True)
