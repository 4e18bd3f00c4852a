"""Which shard an entry goes to, and which shards a question is about. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal, Protocol

from logyard.feed.entry import NewLog
from logyard.feed.filters import LogFilter
from logyard.language.ast import And, Filter
from logyard.language.filters.exact import Exact
from logyard.language.filters.in_ import In
from logyard.language.filters.time import Time

__all__ = ["ByService", "ByTime", "OneShard", "ShardBy", "Sharding", "sharding"]

ShardBy = Literal["service", "time"]
_UNKNOWN: Final = "unknown"


class Sharding(Protocol):
    """The same answer whenever it is asked: of the entry, and of the number of shards."""

    def place(self, log: NewLog, received: int) -> int:
        """The shard of an entry that arrived then (nanoseconds)."""
        ...

    def places(self, wanted: LogFilter) -> Sequence[int]:
        """The shards that entries may be in to which a filter says yes."""
        ...


class OneShard:
    """All in one."""

    def place(self, log: NewLog, received: int) -> int:
        """The first."""
        return 0

    def places(self, wanted: LogFilter) -> Sequence[int]:
        """The first."""
        return (0,)


class ByService:
    """A service's entries are together."""

    def __init__(self, shards: int) -> None:
        self._shards = shards

    def place(self, log: NewLog, received: int) -> int:
        """By the name's hash."""
        return self._of(log.service_name or _UNKNOWN)

    def places(self, wanted: LogFilter) -> Sequence[int]:
        """Those of the services that are named."""
        names = [set(_names(node)) for node in _parts(wanted.node) if _is_service(node)]
        if not names:
            return range(self._shards)
        return sorted({self._of(name) for name in set.intersection(*names)})

    def _of(self, name: str) -> int:
        return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % self._shards


class ByTime:
    """Entries of one span are together, those of the next span in the next shard."""

    def __init__(self, shards: int, span: timedelta) -> None:
        self._shards = shards
        self._span = span // timedelta(microseconds=1) * 1000

    def place(self, log: NewLog, received: int) -> int:
        """By when it happened."""
        happened = received if log.timestamp is None else _nanoseconds(log.timestamp)
        return happened // self._span % self._shards

    def places(self, wanted: LogFilter) -> Sequence[int]:
        """Those of the spans between the times that are named."""
        times = [node for node in _parts(wanted.node) if isinstance(node, Time)]
        first = max((node.minimum for node in times), default=0) // self._span
        last = min((node.maximum for node in times), default=1 << 63) // self._span
        if last - first + 1 >= self._shards:
            return range(self._shards)
        return sorted({span % self._shards for span in range(first, last + 1)})


def sharding(by: ShardBy, shards: int, span: timedelta) -> Sharding:
    """By its name."""
    if shards == 1:
        return OneShard()
    return ByService(shards) if by == "service" else ByTime(shards, span)


def _parts(node: Filter) -> Sequence[Filter]:
    """What must hold, all of it."""
    return node.filters if isinstance(node, And) else (node,)


def _is_service(node: Filter) -> bool:
    return isinstance(node, In | Exact) and node.field == "service" and getattr(node, "subquery", None) is None


def _names(node: Filter) -> Sequence[str]:
    return node.values if isinstance(node, In) else (node.text,) if isinstance(node, Exact) else ()


def _nanoseconds(time: datetime) -> int:
    return int(time.replace(microsecond=0).timestamp()) * 1_000_000_000 + time.microsecond * 1000
