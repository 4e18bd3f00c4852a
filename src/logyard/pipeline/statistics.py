"""What a pipeline has done: totals, the rate of the last minute, live counts by level and tag.

The names are those of the sidecar's processor: ``timestamp``, ``total_processed``, ``processing_rate_per_minute``
(records of the last sixty seconds, not the total divided by anything), ``active_processors`` (sources that had records
in them).
"""

from collections import Counter, deque
from threading import Lock
from typing import Final

import polars as pl

from logyard.clock import Clock
from logyard.model import timestamp
from logyard.telemetry import Telemetry
from logyard.types import Json

__all__ = ["Processing"]

_MINUTE: Final = 60.0
_MOST_TAGS: Final = 1000
"""Different tags that are counted by themselves: a script may make as many as it likes."""
_OTHERS: Final = "(others)"


class Processing:
    """Counts of one pipeline. Any thread."""

    def __init__(self, clock: Clock) -> None:
        """Counts from now on."""
        self._clock = clock
        self._total = 0
        self._failed = 0
        self._levels: Counter[str] = Counter()
        self._tags: Counter[str] = Counter()
        self._recent: deque[tuple[float, int, tuple[str, ...]]] = deque()
        """When, how many, and of which sources; of the last minute."""
        self._lock = Lock()

    def processed(self, given: int, left: pl.DataFrame, failed: int) -> None:
        """A batch is through: ``given`` records went in, ``failed`` of those that are left say so."""
        levels = left["level"].value_counts().iter_rows()
        tagged = left["tags"].explode(empty_as_null=False) if (left["tags"].list.len() > 0).any() else left["level"][:0]
        tags = tagged.value_counts().iter_rows()
        sources = tuple(left["source"].unique().to_list())
        with self._lock:
            self._total += given
            self._failed += failed
            for level, count in levels:
                self._levels[level or "none"] += count
            for tag, count in tags:
                self._tags[tag if tag in self._tags or len(self._tags) < _MOST_TAGS else _OTHERS] += count
            self._recent.append((self._clock.monotonic(), given, sources))
            self._forget()

    def as_json(self) -> dict[str, Json]:
        """The statistics as they are written each minute."""
        with self._lock:
            self._forget()
            return {
                "timestamp": timestamp.format_ns(self._clock.now()),
                "total_processed": self._total,
                "processing_rate_per_minute": sum(count for _, count, _ in self._recent),
                "active_processors": len({source for _, _, sources in self._recent for source in sources}),
                "processing_errors": self._failed,
                "levels": dict(self._levels),
                "tags": dict(self._tags),
            }

    def watch(self, telemetry: Telemetry) -> None:
        """Show the live counts as metrics."""
        telemetry.watch_each(
            "logyard_processed_by_level",
            "Records that the pipeline let through, by level; none while it has no step.",
            label="level",
            read=self.levels,
        )
        telemetry.watch_each(
            "logyard_processed_by_tag",
            "The same by tag; a record counts for each of its tags.",
            label="tag",
            read=self.tags,
        )

    def levels(self) -> dict[str, float]:
        """Records that were left, by level."""
        with self._lock:
            return dict(self._levels)

    def tags(self) -> dict[str, float]:
        """Records that were left, by tag."""
        with self._lock:
            return dict(self._tags)

    def _forget(self) -> None:
        while self._recent and self._recent[0][0] <= self._clock.monotonic() - _MINUTE:
            self._recent.popleft()
