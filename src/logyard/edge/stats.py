"""What an edge says about itself: statistics as JSON now and then, and gauges at each scrape."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from logyard.clock import Clock
from logyard.edge.wiring import Edge
from logyard.model import timestamp
from logyard.ports import Buffer
from logyard.telemetry import Telemetry
from logyard.types import Json

__all__ = ["reporting", "statistics", "watch"]

_MOST_FILES: Final = 500
"""Files with a lag of their own in the metrics; the totals are of all."""
_PAGE: Final = 4096


def statistics(edge: Edge, wal: Buffer, clock: Clock) -> dict[str, Json]:
    """What the collector of part A reports: how far each file has been read, and what is not shipped yet."""
    positions = edge.positions()
    pending: dict[str, Json] = dict(edge.pending())
    return {
        "timestamp": timestamp.format_ns(clock.now()),
        "monitored_files": len(positions),
        "file_positions": {each.path: each.offset for each in positions},
        "pending_logs": pending,
        "total_pending": wal.stats().backlog_rows,
    }


@asynccontextmanager
async def reporting(file: str, seconds: float, make: Callable[[], dict[str, Json]]) -> AsyncIterator[None]:
    """Write statistics to their file, if there is one, every so many seconds and at the end."""
    if not file:
        yield
        return

    def write() -> None:
        target = Path(file)
        draft = target.with_name(target.name + ".tmp")
        with contextlib.suppress(OSError):  # a full disk shows in the metrics
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(make())) + b"\n")
            draft.replace(target)

    async def go_on() -> None:
        while True:
            await asyncio.to_thread(write)
            await asyncio.sleep(seconds)

    task = asyncio.ensure_future(go_on())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        write()


def watch(telemetry: Telemetry, edge: Edge, wal: Buffer) -> None:
    """The gauges of an edge."""
    telemetry.watch("logyard_ship_backlog_bytes", "Bytes that are not shipped yet.", lambda: wal.stats().backlog_bytes)
    telemetry.watch("logyard_ship_backlog_rows", "Records that are not shipped yet.", lambda: wal.stats().backlog_rows)
    telemetry.watch("logyard_files_followed", "Files that are followed.", lambda: len(edge.positions()))
    telemetry.watch(
        "logyard_files_lag_bytes",
        "Bytes in files that are not read.",
        lambda: sum(p.lag_bytes for p in edge.positions()),
    )
    telemetry.watch("logyard_cpu_seconds", "CPU that this process has used.", _cpu_seconds)
    telemetry.watch("logyard_resident_bytes", "Memory that this process holds.", _resident_bytes)
    telemetry.watch_each(
        "logyard_file_lag_bytes",
        "Bytes in a file that are not read; of the 500 files that lag most.",
        label="path",
        read=lambda: _lags(edge, "lag_bytes"),
    )
    telemetry.watch_each(
        "logyard_file_lag_seconds",
        "Since when a file has had bytes that are not read; of the 500 files that lag most.",
        label="path",
        read=lambda: _lags(edge, "lag_seconds"),
    )


def _lags(edge: Edge, what: str) -> dict[str, float]:
    lagging = sorted(edge.positions(), key=lambda each: -each.lag_bytes)[:_MOST_FILES]
    return {each.path: getattr(each, what) for each in lagging}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident_bytes() -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return float(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    return 0.0
