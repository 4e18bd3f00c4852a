"""``logyard doctor``: will it run well on this machine, and what to change if not."""

import ctypes
import importlib.metadata
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from logyard.cli.options import ColorOption, ColorWhen, TableOption, TableOutput, application
from logyard.cli.output import write
from logyard.cli.terminal import is_colored, paint, write_json
from logyard.clock import SystemClock
from logyard.config import Config, load

__all__ = ["CHECKS", "Finding", "State", "app"]

_MIB: Final = 1 << 20
_GIB: Final = 1 << 30
_ENGINE_SECONDS: Final = 60
_FSYNCS: Final = 10
_SLOW_SECONDS: Final = 0.05
_OPEN_FILES: Final = 4096
_32_BITS: Final = 2**32
_UNSYNCHRONIZED: Final = 5
_YEAR_2025: Final = 1_735_689_600_000_000_000


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_STYLES: Final = {State.OK: "\x1b[32m", State.WARN: "\x1b[33m", State.FAIL: "\x1b[1;31m"}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, what was found, and what to do about it."""

    check: str
    state: State
    found: str
    advice: str = ""


def doctor(
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Directory of all that is stored.")] = None,
    *,
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where 'up' would listen.")] = "",
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.")] = None,
    output: TableOption = TableOutput.TEXT,
    color: ColorOption = ColorWhen.AUTO,
) -> None:
    """Check Python, engine, disk, memory, limits, clock and port, and say what to change.

    Exits with 1 when Logyard could not run.
    """
    given = {"data": str(data) if data else "", "listen": listen}
    settings = load(config, {name: value for name, value in given.items() if value})
    found = [check(settings) for check in CHECKS.values()]
    if output is TableOutput.JSON:
        write_json(found)
    else:
        colored = is_colored(color, sys.stdout)
        write("".join(_line(finding, colored=colored) for finding in found))
    if any(finding.state is State.FAIL for finding in found):
        raise typer.Exit(1)


app = application(doctor)


def _python(_config: Config) -> Finding:
    found = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"
    if sys.maxsize > _32_BITS:
        return Finding(check="python", state=State.OK, found=found)
    return Finding(check="python", state=State.FAIL, found=found, advice="the engine needs a 64-bit Python")


def _engine(_config: Config) -> Finding:
    """In a process of its own: an engine that does not suit the processor ends its process."""
    try:
        version = importlib.metadata.version("chdb-core")
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install 'logyard[server]', unless this machine only collects and forwards"
        return Finding(check="engine", state=State.FAIL, found="not installed", advice=advice)
    begun = time.monotonic()
    command = [sys.executable, "-c", "import chdb"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ENGINE_SECONDS, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        found = f"chdb-core {version}: not loaded after {_ENGINE_SECONDS} s"
        return Finding(check="engine", state=State.FAIL, found=found, advice="is the machine out of memory?")
    if done.returncode == 0:
        found = f"chdb-core {version}, loads in {time.monotonic() - begun:.1f} s"
        return Finding(check="engine", state=State.OK, found=found)
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    found = f"chdb-core {version} does not load: {last or f'exit code {done.returncode}'}"
    advice = "reinstall chdb-core; on x86-64 it needs SSE 4.2"
    return Finding(check="engine", state=State.FAIL, found=found, advice=advice)


def _disk(config: Config) -> Finding:
    usage = shutil.disk_usage(_existing(config.data))
    found = f"{usage.free / _GIB:.1f} GiB of {usage.total / _GIB:.1f} GiB free for {config.data}"
    if usage.free <= config.wal.min_free_bytes:
        advice = f"below {config.wal.min_free_bytes / _MIB:.0f} MiB (wal.min_free_bytes) ingest answers 507"
        return Finding(check="disk space", state=State.FAIL, found=found, advice=advice)
    if usage.free < config.wal.max_bytes + config.wal.min_free_bytes:
        advice = "less than a full write-ahead log may take (wal.max_bytes): free some, or lower it"
        return Finding(check="disk space", state=State.WARN, found=found, advice=advice)
    return Finding(check="disk space", state=State.OK, found=found)


def _fsync(config: Config) -> Finding:
    """What an acknowledgement costs at least: a page written and fsynced."""
    place = _existing(config.data)
    try:
        seconds = _fsync_seconds(place)
    except OSError as error:
        found = f"cannot write in {place}: {error.strerror}"
        advice = f"give user {os.getuid()} the right to write there, or choose another directory with --data"
        return Finding(check="disk speed", state=State.FAIL, found=found, advice=advice)
    found = f"{seconds * 1000:.1f} ms for a durable write in {place} (median of {_FSYNCS})"
    if seconds > _SLOW_SECONDS:
        advice = "acknowledgements will be slow: use a local SSD"
        return Finding(check="disk speed", state=State.WARN, found=found, advice=advice)
    return Finding(check="disk speed", state=State.OK, found=found)


def _fsync_seconds(place: Path) -> float:
    times = []
    with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-") as file:
        for _ in range(_FSYNCS):
            begun = time.monotonic()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.monotonic() - begun)
    return sorted(times)[len(times) // 2]


def _memory(config: Config) -> Finding:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    limit = min([pages * size, *_cgroup_limits()])
    found = f"{limit / _GIB:.1f} GiB for this process"
    needed = config.query.max_memory + 600 * _MIB
    if limit < needed:
        advice = f"a query may take {config.query.max_memory / _MIB:.0f} MiB (query.max_memory): lower it"
        return Finding(check="memory", state=State.WARN, found=found, advice=advice)
    return Finding(check="memory", state=State.OK, found=found)


def _cgroup_limits() -> list[int]:
    """A container's own limit, in either version of control groups."""
    names = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    texts = [Path(name).read_text().strip() for name in names if Path(name).is_file()]
    return [int(text) for text in texts if text.isdecimal()]


def _open_files(_config: Config) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{soft} (hard limit {hard})"
    if soft >= _OPEN_FILES:
        return Finding(check="open files", state=State.OK, found=found)
    advice = "many connections need more: ulimit -n 65536, or LimitNOFILE= in the systemd unit"
    return Finding(check="open files", state=State.WARN, found=found, advice=advice)


def _clock(_config: Config) -> Finding:
    now = SystemClock().now()
    found = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now // 1_000_000_000))
    if now < _YEAR_2025:
        return Finding(check="clock", state=State.FAIL, found=found, advice="set the clock: it is in the past")
    if _kernel_clock_state() == _UNSYNCHRONIZED:
        advice = "the kernel says that nothing keeps this clock right: run chrony or systemd-timesyncd on the host"
        return Finding(check="clock", state=State.WARN, found=f"{found}, not synchronized", advice=advice)
    return Finding(check="clock", state=State.OK, found=found)


def _kernel_clock_state() -> int:
    """What adjtimex(2) returns: 5 is TIME_ERROR. -1 where there is no such call."""
    try:
        call = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return -1
    # A zeroed struct timex (208 bytes on Linux) only asks.
    return int(call(ctypes.create_string_buffer(512)))


def _port(config: Config) -> Finding:
    host, _, port = config.listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except (OSError, OverflowError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        advice = "is Logyard running already? else choose another with --listen HOST:PORT"
        return Finding(check="port", state=State.FAIL, found=f"{config.listen}: {reason}", advice=advice)
    return Finding(check="port", state=State.OK, found=f"{config.listen} is free")


CHECKS: Final[Mapping[str, Callable[[Config], Finding]]] = {
    "python": _python,
    "engine": _engine,
    "disk space": _disk,
    "disk speed": _fsync,
    "memory": _memory,
    "open files": _open_files,
    "clock": _clock,
    "port": _port,
}
"""Every check by its name, in the order in which it would hurt."""


def _existing(path: Path) -> Path:
    """The directory, or the nearest one above it that is there."""
    return next((place for place in (path, *path.absolute().parents) if place.is_dir()), Path("/"))


def _line(finding: Finding, *, colored: bool) -> str:
    state = f"{finding.state:<5}"
    shown = paint(state, _STYLES[finding.state]) if colored else state
    advice = f"\n{'':<18}-> {finding.advice}" if finding.advice else ""
    return f"{shown} {finding.check:<11} {finding.found}{advice}\n"
