"""What an edge says about itself: statistics as JSON now and then, and gauges at each scrape."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from logyard.edge.wiring import Edge
from logyard.model import timestamp
from logyard.ports import Buffer
from logyard.receivers.tailing.events import (
    ABANDONED,
    ROTATIONS,
    BytesAbandoned,
    BytesRead,
    FilesRotated,
    FormatUnknown,
    ParseErrors,
)
from logyard.telemetry import Telemetry
from logyard.types import Json

__all__ = ["reporting", "statistics", "watch", "watch_files"]

_MOST_FILES: Final = 500
"""Files with a lag of their own in the metrics; the totals are of all."""
_PAGE: Final = 4096


def statistics(edge: Edge, wal: Buffer, telemetry: Telemetry) -> dict[str, Json]:
    """What the collector of part A reports: how far each file has been read, and what is not shipped yet. Beside that,
    what was not understood (by file, where there is any) and what was lost, since the process began.
    """
    positions = edge.positions()
    pending: dict[str, Json] = dict(edge.pending())
    return {
        "timestamp": timestamp.format_ns(edge.clock.now()),
        "monitored_files": len(positions),
        "file_positions": {each.path: each.offset for each in positions},
        "pending_logs": pending,
        "total_pending": wal.stats().backlog_rows,
        "parse_errors": {each.path: each.parse_errors for each in positions if each.parse_errors},
        "unknown_format": {each.path: each.unknown_format for each in positions if each.unknown_format},
        "troubles": {each.path: each.trouble for each in positions if each.trouble},
        "rotations": int(telemetry.total("logyard_files_rotated_total")),
        "abandoned_bytes": int(telemetry.total("logyard_bytes_abandoned_bytes_total")),
        "cpu_seconds": round(_cpu_seconds(), 2),
        "resident_bytes": int(_resident_bytes()),
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
    """The gauges of a process that does nothing but collect and ship."""
    telemetry.watch("logyard_ship_backlog_bytes", "Bytes that are not shipped yet.", lambda: wal.stats().backlog_bytes)
    telemetry.watch("logyard_ship_backlog_rows", "Records that are not shipped yet.", lambda: wal.stats().backlog_rows)
    telemetry.watch("logyard_cpu_seconds", "CPU that this process has used.", _cpu_seconds)
    telemetry.watch("logyard_resident_bytes", "Memory that this process holds.", _resident_bytes)
    watch_files(telemetry, edge)


def watch_files(telemetry: Telemetry, edge: Edge) -> None:
    """The gauges of files that are followed, here or in a server, and their counters from the beginning."""
    telemetry.announce(
        *(FilesRotated(kind=kind) for kind in ROTATIONS),
        *(BytesAbandoned(reason=reason, bytes=0) for reason in ABANDONED),
        ParseErrors(count=0),
        FormatUnknown(count=0),
        BytesRead(count=0, bytes=0),
    )
    telemetry.watch("logyard_files_followed", "Files that are followed.", lambda: len(edge.positions()))
    telemetry.watch(
        "logyard_files_lag_bytes",
        "Bytes in files that are not read.",
        lambda: sum(p.lag_bytes for p in edge.positions()),
    )
    telemetry.watch_each(
        "logyard_file_lag_bytes",
        "Bytes in a file that are not read; of the 500 files with most.",
        label="path",
        read=partial(_by_file, edge, "lag_bytes"),
    )
    telemetry.watch_each(
        "logyard_file_lag_seconds",
        "Since when a file has had bytes that are not read; of the 500 files with most.",
        label="path",
        read=partial(_by_file, edge, "lag_seconds"),
    )
    telemetry.watch_each(
        "logyard_file_parse_errors",
        "Records of a file that are not in the format that the settings name; of the 500 files with most.",
        label="path",
        read=partial(_by_file, edge, "parse_errors"),
    )
    telemetry.watch_each(
        "logyard_file_unknown_format",
        "Records of a file that no format fitted; of the 500 files with most.",
        label="path",
        read=partial(_by_file, edge, "unknown_format"),
    )


def _by_file(edge: Edge, what: str) -> dict[str, float]:
    found = {each.path: float(getattr(each, what)) for each in edge.positions()}
    return dict(sorted(found.items(), key=lambda each: -each[1])[:_MOST_FILES])


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident_bytes() -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return float(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    return 0.0
