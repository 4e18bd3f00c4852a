"""What a service has done, and how long the latest calls took."""

import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from logyard.clock import Clock
from logyard.errors import BadInput
from logyard.feed.level import LogLevel
from logyard.feed.link import LinkStatus

__all__ = ["Ingestion", "Recorder", "ServiceStats"]

_LATEST: Final = 4096


class Ingestion(msgspec.Struct, frozen=True, kw_only=True):
    """Of this service, since it was made. Times in milliseconds, of the latest calls; 0 when there were none."""

    logs_received: int
    logs_processed: int
    """Acknowledged."""
    refused: int
    """What no store could read."""
    errors: int
    """Calls that failed for want of a storage."""
    avg_response_time_ms: float
    p50: float
    p95: float
    p99: float


class ServiceStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored, what was done, and how the nodes are."""

    total_logs: int
    complete: bool
    """Every shard could be asked; what is in the others is not counted."""
    by_level: Mapping[LogLevel, int]
    by_service: Mapping[str, int]
    ingestion: Ingestion
    shards: Sequence[Sequence[LinkStatus]]
    """The nodes of each shard."""

    @property
    def lag_entries(self) -> int:
        """Entries that are known to be missing on some node, of all nodes."""
        return sum(node.lag_entries for nodes in self.shards for node in nodes)

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest entry that is missing somewhere; 0 when none is."""
        return max((node.lag_seconds for nodes in self.shards for node in nodes), default=0.0)


class Recorder:
    """Every ingesting call passes through ``call``. Any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds: deque[float] = deque(maxlen=_LATEST)
        self._lock = threading.Lock()
        self._received = self._processed = self._refused = self._errors = 0

    def call(self, count: int) -> "_Call":
        """A call with so many entries, as a context."""
        return _Call(self, count, self._clock.monotonic())

    def ended(self, count: int, began: float, error: BaseException | None) -> None:
        """Of ``_Call``."""
        with self._lock:
            self._received += count
            if error is None:
                self._processed += count
                self._seconds.append(self._clock.monotonic() - began)
            elif isinstance(error, BadInput):
                self._refused += count
            else:
                self._errors += 1

    def figures(self) -> Ingestion:
        """As of now; percentiles by nearest rank."""
        with self._lock:
            ordered = sorted(self._seconds)
            average = sum(ordered) / len(ordered) if ordered else 0.0
            return Ingestion(
                logs_received=self._received,
                logs_processed=self._processed,
                refused=self._refused,
                errors=self._errors,
                avg_response_time_ms=round(average * 1000, 3),
                p50=_rank(ordered, 0.50),
                p95=_rank(ordered, 0.95),
                p99=_rank(ordered, 0.99),
            )


class _Call:
    """A class, not a generator: single entries come fifty thousand a second."""

    __slots__ = ("_began", "_count", "_recorder")

    def __init__(self, recorder: Recorder, count: int, began: float) -> None:
        self._recorder = recorder
        self._count = count
        self._began = began

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _place: object) -> None:
        self._recorder.ended(self._count, self._began, error)


def _rank(ordered: Sequence[float], share: float) -> float:
    return round(ordered[math.ceil(share * len(ordered)) - 1] * 1000, 3) if ordered else 0.0
