"""How large the log may get, and when a segment is sealed."""

from pathlib import Path

import msgspec

from logyard.clock import Clock
from logyard.wal.disk import Disk

__all__ = ["Site", "WalSettings"]


class WalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the write-ahead log. Bytes, rows and seconds."""

    segment_bytes: int = 24 << 20
    """A segment is sealed when it holds this many bytes. One segment is one insert of the engine."""
    segment_rows: int = 100_000
    """A segment is sealed when it holds this many records."""
    segment_seconds: float = 1.0
    """A segment that holds anything is sealed at this age."""
    max_bytes: int = 4 << 30
    """Backlog: beyond this many bytes that some cursor has not passed, new batches are refused."""
    max_pending_bytes: int = 64 << 20
    """Bytes that wait in memory for the writer: beyond this, new batches are refused."""
    min_free_bytes: int = 64 << 20
    """Room that is left alone on the disk."""


class Site(msgspec.Struct, frozen=True):
    """Where a log lives, and under which rules."""

    directory: Path
    settings: WalSettings
    disk: Disk
    clock: Clock
