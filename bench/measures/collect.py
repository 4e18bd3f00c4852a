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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import machine
from bench.report import Figure, at_least, at_most, figure
from bench.run import Run, progress
from bench.server import ROOT, python

__all__ = ["measure"]

_NAME: Final = "collect"
_FILES: Final = 10
_LINES: Final = 200_000
_RATE: Final = 10_000
_SECONDS: Final = 15
_IDLE_FILES: Final = 10_000
_PATIENCE: Final = 120.0
_MIB: Final = 1 << 20


def measure(run: Run) -> Iterator[Figure]:
    """All of them."""
    yield from _fast(run)
    yield from _parsed(run)
    yield from _steady(run)
    yield from _idle(run)


def _fast(run: Run) -> Iterator[Figure]:
    home = _filled(run, "fast")
    total = _FILES * _LINES
    with _sink(home) as port, _ship(home, port) as pid:
        began = time.monotonic()
        _wait(port, total)
        seconds, cpu = time.monotonic() - began, machine.cpu_seconds(pid)
        peak = _peak(pid)
        found = _count(port)
    progress(f"{total / seconds:,.0f} lines/s shipped")
    yield figure((_NAME, "lines shipped, unparsed"), total / seconds, "1/s", at_least(500_000), note="with the start")
    yield figure(
        (_NAME, "lines a CPU second"), total / cpu, "1/s", at_least(500_000), note=f"{cpu / total * 1e6:.2f} us a line"
    )
    yield figure((_NAME, "lines lost or doubled"), abs(found["lines"] - total), "", at_most(0))
    yield figure((_NAME, "on the wire"), found["bytes"] / total, "B/line")
    yield figure((_NAME, "resident at most, full speed"), peak, "MB")


def _parsed(run: Run) -> Iterator[Figure]:
    home, total = _filled(run, "parsed"), _FILES * _LINES
    with _sink(home) as port, _ship(home, port, "--format", "json") as pid:
        began = time.monotonic()
        _wait(port, total)
        seconds, cpu = time.monotonic() - began, machine.cpu_seconds(pid)
        found = _count(port)
    note = f"{cpu / total * 1e6:.2f} us a line"
    yield figure((_NAME, "parsed as JSON"), total / seconds, "1/s", at_least(150_000), note="with the start")
    yield figure((_NAME, "parsed as JSON, a CPU second"), total / cpu, "1/s", at_least(150_000), note=note)
    yield figure((_NAME, "parsed, lost or doubled"), abs(found["lines"] - total), "", at_most(0))
    steps = home.parent / "steps.toml"
    steps.write_text('[[pipeline]]\ntype = "drop"\nwhere = "level:DEBUG status_code:500"\n')
    shutil.rmtree(home.parent / "state")
    with _sink(home) as port, _ship(home, port, "--config", str(steps)) as pid:
        _wait(port, total)
        cpu = machine.cpu_seconds(pid)
    note = f"{cpu / total * 1e6:.2f} us a line"
    yield figure((_NAME, "parsed for a step, a CPU second"), total / cpu, "1/s", note=note)


def _filled(run: Run, name: str) -> Path:
    home = _home(run, name)
    for number in range(_FILES):
        with (home / f"app{number}.log").open("w") as file:
            file.writelines(_line(index) for index in range(_LINES))
    return home


def _steady(run: Run) -> Iterator[Figure]:
    home = _home(run, "steady")
    files = [(home / f"app{number}.log").open("a") for number in range(_FILES)]
    with _sink(home) as port, _ship(home, port) as pid, contextlib.ExitStack() as stack:
        for file in files:
            stack.enter_context(file)
        time.sleep(3)  # the start is not measured
        began, before, written = time.monotonic(), machine.cpu_seconds(pid), 0
        while (now := time.monotonic() - began) < _SECONDS:
            for index in range(written, int(now * _RATE)):
                files[index % _FILES].write(_line(index))
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
    home = _home(run, "idle")
    for number in range(_IDLE_FILES):
        (home / f"{number}.log").write_text(_line(number))
    with _sink(home) as port, _ship(home, port) as pid:
        _wait(port, _IDLE_FILES)
        time.sleep(3)  # the last round's end
        before, began = machine.cpu_seconds(pid), time.monotonic()
        time.sleep(_SECONDS)
        cpu = (machine.cpu_seconds(pid) - before) / (time.monotonic() - began)
        peak = _peak(pid)
    yield figure((_NAME, "ten thousand idle files"), cpu, "of a core", at_most(0.1))
    yield figure((_NAME, "resident at most, ten thousand files"), peak, "MB")


def _home(run: Run, name: str) -> Path:
    home = run.scratch(f"collect-{name}") / "logs"
    home.mkdir(parents=True)
    return home


def _line(index: int) -> str:
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
def _sink(home: Path) -> Iterator[int]:
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
    arguments = [
        "ship",
        f"{home}/*.log",
        "--to",
        f"http://127.0.0.1:{port}",
        "--state",
        str(home.parent / "state"),
        "-q",
        *more,
    ]
    process = subprocess.Popen(["taskset", "-c", "0", *python("logyard"), *arguments], cwd=ROOT)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _count(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _wait(port: int, lines: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _count(port)["lines"] < lines:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{_count(port)['lines']} of {lines} lines came within {_PATIENCE:g} s")
        time.sleep(0.05)


def _peak(pid: int) -> float:
    """MB as the issue counts them: kilobytes over 1024."""
    return machine.peak_bytes(pid) / _MIB
