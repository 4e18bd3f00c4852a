"""Finding out the format of access logs and taking them apart: CPU time, which a busy machine disturbs least."""

import random
import resource
from collections.abc import Iterator
from statistics import median
from typing import Final

import polars as pl

from bench.report import Figure, at_least, figure
from bench.run import Run
from logyard.formats.lines.detect import Detector

__all__ = ["measure"]

_NAME: Final = "formats"
_LINES: Final = 100_000
_BOUND: Final = 50.0
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/117.0 Safari/537.36"


def measure(run: Run) -> Iterator[Figure]:
    """A new source each time: detection is part of it."""
    lines = _access_log()
    size = float(lines.str.len_bytes().sum())
    seconds = median(_cpu_seconds(lines) for _ in range(2 + run.rounds))
    yield figure((_NAME, "access log, found out and parsed"), size / seconds / 1e6, "MB/s a core", at_least(_BOUND))
    yield figure((_NAME, "CPU a line"), seconds / _LINES * 1e6, "us")


def _access_log() -> pl.Series:
    chance = random.Random(1)
    return pl.Series(
        [
            f"10.{chance.randrange(255)}.3.{number % 255} - - "
            f"[10/Oct/2023:13:{number // 6000:02d}:{number // 100 % 60:02d} +0200] "
            f'"GET /api/v1/items/{chance.randrange(99999)}?q=abc HTTP/1.1" {chance.choice((200, 404, 500))} '
            f'{chance.randrange(99999)} "https://example.com/page" "{_AGENT}"'
            for number in range(_LINES)
        ]
    )


def _cpu_seconds(lines: pl.Series) -> float:
    """User and system time of all threads of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    Detector().decode(lines, 1_700_000_000_000_000_000)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
