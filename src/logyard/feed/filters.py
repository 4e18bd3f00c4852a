"""Which entries are meant: filters that are thin names for nodes of the query language.

    failed = LevelFilter(LogLevel.ERROR, LogLevel.CRITICAL) & ServiceFilter("shop") & ~KeywordFilter("test")
    str(failed)    level:in(ERROR,CRITICAL) service:in(shop) !_msg:~"(?i)test"

So the same filter runs in memory (``select``), in the engine (``service.query``), and on the live stream
(``client.tail(str(filter))``); a property test holds the answers equal.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import polars as pl

from logyard.errors import BadInput
from logyard.feed.entry import LogEntry
from logyard.feed.level import STORED, LogLevel
from logyard.feed.reading import frame_of
from logyard.language.ast import MESSAGE, All, Filter, all_of, any_of, negated
from logyard.language.entry import parse_filter
from logyard.language.filters.in_ import In
from logyard.language.filters.regexp import Regexp
from logyard.language.levels import canonical_levels
from logyard.language.view import View

__all__ = [
    "CompositeFilter",
    "KeywordFilter",
    "LevelFilter",
    "LogFilter",
    "QueryFilter",
    "ServiceFilter",
    "TimeRangeFilter",
]

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_UNKNOWN: Final = "unknown"


class LogFilter:
    """Says of every entry yes or no. Immutable; equal when it says the same in the same words."""

    __slots__ = ("node",)

    node: Filter
    """In the query language, with levels in their canonical spelling."""

    def __init__(self, node: Filter) -> None:
        self.node = node

    def __and__(self, other: "LogFilter") -> "LogFilter":
        """What both say yes to."""
        return LogFilter(all_of((self.node, other.node)))

    def __or__(self, other: "LogFilter") -> "LogFilter":
        """What either says yes to."""
        return LogFilter(any_of((self.node, other.node)))

    def __invert__(self) -> "LogFilter":
        """What this says no to."""
        return LogFilter(negated(self.node))

    def __str__(self) -> str:
        """As text of the query language: LogsQL."""
        return str(self.node)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LogFilter) and self.node == other.node

    def __hash__(self) -> int:
        return hash(self.node)

    def mask(self, frame: pl.DataFrame) -> pl.Series:
        """A boolean for each row of a frame in the columns of ``model/schema.py``."""
        return self.node.match(View.of_frame(frame))

    def select(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        """Those that it says yes to, in their order."""
        return [entries[place] for place in self.mask(frame_of(entries)).arg_true()] if entries else []

    def matches(self, entry: LogEntry) -> bool:
        """Whether it says yes to this one. For many, ``select`` is three hundred times faster."""
        return bool(self.select([entry]))


class LevelFilter(LogFilter):
    """Entries of one of these levels."""

    __slots__ = ()

    def __init__(self, *levels: LogLevel | str) -> None:
        names = dict.fromkeys(name for level in levels for name in STORED[LogLevel(level)])
        super().__init__(In("level", tuple(names)))

    @classmethod
    def at_least(cls, lowest: LogLevel | str) -> "LevelFilter":
        """This level and those above it."""
        ordered = list(LogLevel)
        return cls(*ordered[ordered.index(LogLevel(lowest)) :])


class ServiceFilter(LogFilter):
    """Entries of one of these services."""

    __slots__ = ("names",)

    def __init__(self, *names: str) -> None:
        self.names = frozenset(name or _UNKNOWN for name in names)
        super().__init__(In("service", tuple(dict.fromkeys(name or _UNKNOWN for name in names))))


class TimeRangeFilter(LogFilter):
    """Entries from ``start`` on, and before ``end``; either may be left out."""

    __slots__ = ()

    def __init__(self, start: datetime | None = None, end: datetime | None = None) -> None:
        """Raises ``BadInput`` for a time without a zone."""
        parts = [
            parse_filter(f"_time:{sign}{_written(time)}", now=0)
            for sign, time in ((">=", start), ("<", end))
            if time is not None
        ]
        super().__init__(all_of(parts))


class KeywordFilter(LogFilter):
    """Entries whose message holds this text, in upper or lower case; also within words."""

    __slots__ = ()

    def __init__(self, keyword: str) -> None:
        pattern = _SPECIAL.sub(r"\\\g<0>", keyword)
        super().__init__(Regexp(MESSAGE, f"(?i){pattern}") if keyword else All())


class CompositeFilter(LogFilter):
    """Entries that all of these filters say yes to; every entry, when there are none."""

    __slots__ = ()

    def __init__(self, *filters: LogFilter) -> None:
        super().__init__(all_of(each.node for each in filters if not isinstance(each.node, All)))

    @classmethod
    def of(cls, filters: Iterable[LogFilter]) -> "CompositeFilter":
        """The same of any iterable."""
        return cls(*filters)


class QueryFilter(LogFilter):
    """Entries that a filter of the query language finds: ``metadata.user.id:=7 and not level:debug``."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        """Raises ``BadQuery``; pipes are not allowed, and times are absolute."""
        super().__init__(canonical_levels(parse_filter(text, now=0)))


def _written(time: datetime) -> str:
    if time.tzinfo is None:
        raise BadInput(f"{time.isoformat()} has no time zone: say datetime(..., tzinfo=UTC)")
    return f'"{time.isoformat()}"'
