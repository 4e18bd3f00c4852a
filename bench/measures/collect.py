"""Files followed and shipped by ``logyard ship`` on one core, through its durable log, to a sink that counts lines.

As ``shared/testkit/tailbench.py`` does it: ten files of JSON lines, unparsed, then parsed; then 10,000 lines a second;
then ten thousand files in which nothing happens. Parsed means that each line was decoded and what is no object says so
(``--format json``); "for a step", that its fields became columns, a filter looked at them, and lines were made again.
"""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench import machine
from bench.report import Figure, at_least, at_most, figure
from bench.run import Run, progress
from bench.server import ROOT, python

__all__ = ["PATIENCE", "Count", "count", "home", "line", "measure", "shipping", "sink"]

Count = Callable[[], int]
"""Lines that have arrived."""

_NAME: Final = "collect"
_FILES: Final = 10
_LINES: Final = 200_000
_RATE: Final = 10_000
_SECONDS: Final = 15
_IDLE_FILES: Final = 10_000
PATIENCE: Final = 120.0
_MIB: Final = 1 << 20


def measure(run: Run) -> Iterator[Figure]:
    """All of them."""
    yield from _fast(run)
    yield from _parsed(run)
    yield from _steady(run)
    yield from _idle(run)


def _fast(run: Run) -> Iterator[Figure]:
    folder = _filled(run, "fast")
    total = _FILES * _LINES
    with sink(folder) as port, _ship(folder, port) as pid:
        began = time.monotonic()
        _wait(port, total)
        seconds, cpu = time.monotonic() - began, machine.cpu_seconds(pid)
        peak = _peak(pid)
        found = count(port)
    progress(f"{total / seconds:,.0f} lines/s shipped")
    yield figure((_NAME, "lines shipped, unparsed"), total / seconds, "1/s", at_least(500_000), note="with the start")
    yield figure(
        (_NAME, "lines a CPU second"), total / cpu, "1/s", at_least(500_000), note=f"{cpu / total * 1e6:.2f} us a line"
    )
    yield figure((_NAME, "lines lost or doubled"), abs(found["lines"] - total), "", at_most(0))
    yield figure((_NAME, "on the wire"), found["bytes"] / total, "B/line")
    yield figure((_NAME, "resident at most, full speed"), peak, "MB")


def _parsed(run: Run) -> Iterator[Figure]:
    folder, total = _filled(run, "parsed"), _FILES * _LINES
    with sink(folder) as port, _ship(folder, port, "--format", "json") as pid:
        began = time.monotonic()
        _wait(port, total)
        seconds, cpu = time.monotonic() - began, machine.cpu_seconds(pid)
        found = count(port)
    note = f"{cpu / total * 1e6:.2f} us a line"
    yield figure((_NAME, "parsed as JSON"), total / seconds, "1/s", at_least(150_000), note="with the start")
    yield figure((_NAME, "parsed as JSON, a CPU second"), total / cpu, "1/s", at_least(150_000), note=note)
    yield figure((_NAME, "parsed, lost or doubled"), abs(found["lines"] - total), "", at_most(0))
    steps = folder.parent / "steps.toml"
    steps.write_text('[[pipeline]]\ntype = "drop"\nwhere = "level:DEBUG status_code:500"\n')
    shutil.rmtree(folder.parent / "state")
    with sink(folder) as port, _ship(folder, port, "--config", str(steps)) as pid:
        _wait(port, total)
        cpu = machine.cpu_seconds(pid)
    note = f"{cpu / total * 1e6:.2f} us a line"
    yield figure((_NAME, "parsed for a step, a CPU second"), total / cpu, "1/s", note=note)


def _filled(run: Run, name: str) -> Path:
    folder = home(run, name)
    for number in range(_FILES):
        with (folder / f"app{number}.log").open("w") as file:
            file.writelines(line(index) for index in range(_LINES))
    return folder


def _steady(run: Run) -> Iterator[Figure]:
    folder = home(run, "steady")
    files = [(folder / f"app{number}.log").open("a") for number in range(_FILES)]
    with sink(folder) as port, _ship(folder, port) as pid, contextlib.ExitStack() as stack:
        for file in files:
            stack.enter_context(file)
        time.sleep(3)  # the start is not measured
        began, before, written = time.monotonic(), machine.cpu_seconds(pid), 0
        while (now := time.monotonic() - began) < _SECONDS:
            for index in range(written, int(now * _RATE)):
                files[index % _FILES].write(line(index))
            written = int(now * _RATE)
            for file in files:
                file.flush()
            time.sleep(0.01)
        cpu = (machine.cpu_seconds(pid) - before) / (time.monotonic() - began)
        _wait(port, written)
        peak = _peak(pid)
    yield figure((_NAME, "at 10,000 lines/s"), cpu, "of a core", at_most(0.15))
    yield figure((_NAME, "resident at most, 10,000 lines/s"), peak, "MB", at_most(80))


def _idle(run: Run) -> Iterator[Figure]:
    folder = home(run, "idle")
    for number in range(_IDLE_FILES):
        (folder / f"{number}.log").write_text(line(number))
    with sink(folder) as port, _ship(folder, port) as pid:
        _wait(port, _IDLE_FILES)
        time.sleep(3)  # the last round's end
        before, began = machine.cpu_seconds(pid), time.monotonic()
        time.sleep(_SECONDS)
        cpu = (machine.cpu_seconds(pid) - before) / (time.monotonic() - began)
        peak = _peak(pid)
    yield figure((_NAME, "ten thousand idle files"), cpu, "of a core", at_most(0.1))
    yield figure((_NAME, "resident at most, ten thousand files"), peak, "MB")


def home(run: Run, name: str) -> Path:
    """A directory for logs."""
    folder = run.scratch(f"collect-{name}") / "logs"
    folder.mkdir(parents=True)
    return folder


def line(index: int) -> str:
    """One line of a log."""
    record = {
        "generated_at": 1_767_225_600_000_000_000 + index,
        "message": "Request processed successfully",
        "sequence_id": index,
        "level": "INFO",
        "component": "notification-service",
        "method": "DELETE",
        "status_code": 404,
        "duration_ms": 705,
        "trace_id": "trace-a1b2c3d4",
    }
    return json.dumps(record) + "\n"


@contextlib.contextmanager
def sink(home: Path) -> Iterator[int]:
    """The port of something that counts lines, on the second core."""
    place = home.parent / "port"
    place.unlink(missing_ok=True)
    process = subprocess.Popen(["taskset", "-c", "1", *python("bench.clients.sink"), str(place)], cwd=ROOT)
    try:
        while not place.exists() or not place.read_text():
            time.sleep(0.02)
        yield int(place.read_text())
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _ship(home: Path, port: int, *more: str) -> Iterator[int]:
    to = ["--to", f"http://127.0.0.1:{port}", "--state", str(home.parent / "state"), *more]
    with shipping(home, to) as pid:
        yield pid


@contextlib.contextmanager
def shipping(home: Path, arguments: Sequence[str]) -> Iterator[int]:
    """The process of a ``logyard ship`` of all logs of a directory, on the first core."""
    command = ["taskset", "-c", "0", *python("logyard"), "ship", f"{home}/*.log", *arguments, "-q"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def count(port: int) -> dict[str, Any]:
    """What the sink has counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _wait(port: int, lines: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while count(port)["lines"] < lines:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{count(port)['lines']} of {lines} lines came within {PATIENCE:g} s")
        time.sleep(0.05)


def _peak(pid: int) -> float:
    """MB as the issue counts them: kilobytes over 1024."""
    return machine.peak_bytes(pid) / _MIB
