"""What goes into a store, what it is asked, and what log and store say about themselves: the values of ``ports.py``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from logyard.model.batch import Batch
from logyard.types import Nanoseconds

__all__ = ["BufferStats", "Parcel", "Retention", "Rows", "Statement", "StoreStats"]


class BufferStats(msgspec.Struct, frozen=True, kw_only=True):
    """Cheap numbers. Totals count since the start; lags are seconds since the arrival of the oldest
    unpassed batch.
    """

    backlog_bytes: int
    backlog_rows: int
    pending_bytes: int
    segments: int
    appended_total: int
    appended_rows_total: int
    appended_bytes_total: int
    commits_total: int
    failures_total: int
    """Commits that were refused; their senders were told."""
    fsync_seconds_total: float
    """Seconds until commits were durable: fsync, or the answer of a quorum."""
    lag: dict[str, float]
    corrupt_frames: int
    torn_bytes: int


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What the drain hands to a store: one sealed WAL segment, whole."""

    token: str
    """The same token again is the same parcel again, and is stored once."""
    path: Path
    """The segment's file, in the layout of docs/formats/wal.md; stays until ``insert`` has returned."""
    batches: Sequence[Batch]
    """The segment's batches. Their bodies are views of the file: nothing is decoded until someone asks."""

    @property
    def rows(self) -> int:
        """Records in all."""
        return sum(batch.rows for batch in self.batches)

    @property
    def received(self) -> Nanoseconds:
        """Arrival of its oldest batch."""
        return min(batch.received for batch in self.batches)


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that were stored before, somewhere: whole, ids among them, in columns of the table itself."""

    table: Literal["logs", "keyed_batches"]
    frame: pl.DataFrame
    """Few enough for one insert: some ten thousand rows, some ten megabytes."""
    token: str
    """The same token again is the same rows again."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the engine, in ClickHouse SQL, literals already in it."""

    sql: str
    settings: Mapping[str, str | int] = {}
    """Engine settings, limits among them: ``max_execution_time``, ``max_rows_to_read`` ..."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long records stay; 0 switches a rule off. What goes, goes by whole days, oldest first."""

    age_days: float = 0
    max_bytes: int = 0
    max_disk_percent: float = 0


class StoreStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored."""

    rows: int
    bytes_on_disk: int
    bytes_uncompressed: int
    parts: int
    partitions: int
    oldest: Nanoseconds | None
    newest: Nanoseconds | None
