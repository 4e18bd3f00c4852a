"""Times as people write them, and the ranges that they bound.

One grammar for the command line, the query API and ``_time:`` in queries:

    90s  5m  1h30m  2d  1w  -5m     so long before now; units ns us ms s m h d w, fractions as in 1.5h
    now  today  yesterday           today and yesterday begin at midnight
    2024-01-02                      midnight
    2024-01-02T03:04[:05[.678]][Z]  RFC 3339, seconds optional; without a zone it is in the caller's
    @1704164645  1704164645.5       Unix time; its size tells seconds, milliseconds, microseconds or
    nanoseconds
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import msgspec

from logyard.errors import BadInput
from logyard.model import timestamp
from logyard.types import Nanoseconds

__all__ = ["TimeRange", "parse_duration", "parse_time"]

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": timestamp.SECOND,
    "m": 60 * timestamp.SECOND,
    "h": 3600 * timestamp.SECOND,
    "d": 86_400 * timestamp.SECOND,
    "w": 604_800 * timestamp.SECOND,
}
_PART: Final = r"([0-9]{1,18})(?:\.([0-9]{1,9}))?(ns|us|ms|s|m|h|d|w)"
_DURATION: Final = re.compile(rf"-?(?:{_PART})+")
_PARTS: Final = re.compile(_PART)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTES: Final = re.compile(r"([0-9-]{10}[Tt ][0-9]{2}:[0-9]{2})((?: ?(?:[Zz]|[+-][0-9:]{2,5}))?)")
_ZONED: Final = re.compile(r"[Tt ][0-9:.,]{8,} ?(?:[Zz]|[+-][0-9:]{2,5})")
_GRAMMAR: Final = "a duration (5m, 1h30m), now, today, yesterday, a date, an RFC 3339 time or @unix"


class TimeRange(msgspec.Struct, frozen=True):
    """Instants from ``start`` (inclusive) until ``end`` (exclusive), nanoseconds UTC; None for no bound."""

    start: Nanoseconds | None = None
    end: Nanoseconds | None = None

    def __contains__(self, instant: int) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)

    @property
    def empty(self) -> bool:
        """Whether no instant is in it."""
        return self.start is not None and self.end is not None and self.start >= self.end

    def overlap(self, other: "TimeRange") -> "TimeRange":
        """The instants that are in both."""
        starts = [bound for bound in (self.start, other.start) if bound is not None]
        ends = [bound for bound in (self.end, other.end) if bound is not None]
        return TimeRange(max(starts, default=None), min(ends, default=None))


def parse_time(text: str, now: Nanoseconds, zone: tzinfo = UTC) -> Nanoseconds:
    """The instant that ``text`` means at ``now`` for someone in ``zone``. Raises ``BadInput``, which names
    the text.
    """
    plain = text.strip()
    instant = _instant(plain, now, zone)
    if instant is None:
        raise BadInput(f"cannot parse time from {text!r}: it should be {_GRAMMAR}")
    if not 0 <= instant < timestamp.END:
        raise BadInput(f"cannot parse time from {text!r}: it is not within 1970-2261")
    return Nanoseconds(instant)


def parse_duration(text: str) -> Nanoseconds:
    """Nanoseconds in ``1h30m``, without a sign. Raises ``BadInput``, which names the text."""
    plain = text.strip()
    if _DURATION.fullmatch(plain) is None or plain.startswith("-"):
        raise BadInput(f"cannot parse duration from {text!r}: it should be like 90s, 5m, 1h30m, 2d or 1w")
    return Nanoseconds(_duration(plain))


def _instant(text: str, now: int, zone: tzinfo) -> int | None:
    word = text.lower()
    if word == "now":
        return now
    if word in {"today", "yesterday"}:
        return _midnight(now, zone, days_ago=int(word == "yesterday"))
    if _DURATION.fullmatch(text):
        return now - _duration(text)
    if _DATE.fullmatch(text):
        return _local(f"{text}T00:00:00", zone)
    unix = text.removeprefix("@")
    if unix.replace(".", "", 1).isdecimal():
        return timestamp.parse(unix)
    return None if text.startswith("@") else _calendar(_MINUTES.sub(_with_seconds, text, count=1), zone)


def _with_seconds(found: re.Match[str]) -> str:
    """``03:04`` and ``03:04Z`` with ``:00``; what has seconds already stays as it is."""
    return f"{found[1]}:00{found[2]}" if found.end() == len(found.string) else found[0]


def _calendar(text: str, zone: tzinfo) -> int | None:
    return timestamp.parse(text) if _ZONED.search(text) else _local(text, zone)


def _local(text: str, zone: tzinfo) -> int | None:
    """A time of day without a zone, on the clocks of ``zone``."""
    instant = timestamp.parse(text)
    if instant is None:
        return None
    wall = datetime.fromtimestamp(instant // timestamp.SECOND, UTC).replace(tzinfo=zone)
    return instant - _offset(wall)


def _midnight(now: int, zone: tzinfo, *, days_ago: int) -> int:
    wall = datetime.fromtimestamp(now // timestamp.SECOND, zone)
    midnight = wall.replace(hour=0, minute=0, second=0, fold=0) - timedelta(days=days_ago)
    return int(midnight.timestamp()) * timestamp.SECOND


def _offset(wall: datetime) -> int:
    """Nanoseconds that the zone's clocks are ahead of UTC."""
    return ((wall.utcoffset() or timedelta()) // timedelta(seconds=1)) * timestamp.SECOND


def _duration(text: str) -> int:
    return sum(
        (int(whole) * 10**9 + int((fraction or "").ljust(9, "0"))) * _UNITS[unit] // 10**9
        for whole, fraction, unit in _PARTS.findall(text)
    )
