"""How soon a server is ready on what is stored, and what it takes when nobody asks for anything.

Five times the corpus lies in the store (ten million rows of the usual two), put there without a server.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import machine
from bench.report import Figure, at_most, figure
from bench.run import Run, progress
from bench.server import ROOT, python, start

__all__ = ["measure"]

_NAME: Final = "start"
_COPIES: Final = 5
_STARTS: Final = 3
_IDLE_SECONDS: Final = 5.0


def measure(run: Run) -> Iterator[Figure]:
    """The first start in a row and the median of three; then idle."""
    data = _filled(run)
    ready, rows, resident, cpu = [], 0, 0, 0.0
    for number in range(_STARTS):
        with start(data) as server:
            ready.append(server.ready_seconds)
            if number == _STARTS - 1:
                rows = server.stats()["total_logs"]
                before = machine.cpu_seconds(server.pid)
                time.sleep(_IDLE_SECONDS)
                resident = machine.resident_bytes(server.pid)
                cpu = (machine.cpu_seconds(server.pid) - before) / _IDLE_SECONDS
    note = f"{rows:,} rows; each of {', '.join(f'{seconds:.2f}' for seconds in ready)} s"
    yield figure((_NAME, "ready after"), sorted(ready)[_STARTS // 2], "s", at_most(3), note=note)
    yield figure((_NAME, "resident idle"), resident / 1e6, "MB", at_most(500))
    yield figure((_NAME, "CPU idle"), cpu, "of a core")


def _filled(run: Run) -> Path:
    data = run.scratch("filled")
    data.mkdir()
    progress(f"filling a store with {_COPIES * run.rows:,} rows")
    command = [*python("bench.fill_store"), str(run.corpus), str(data), str(_COPIES)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return data
