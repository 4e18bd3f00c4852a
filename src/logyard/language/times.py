"""The times that a query can name: whole or partial dates, Unix times, ``now``, and times before now.

``2024``, ``2024-05``, ``2024-05-31T10`` and so on up to nanoseconds, with ``Z``, ``+02:30`` or nothing (UTC)
behind; such a time stands for the whole year, month, hour ... that it names. Digits only are a Unix time in
seconds, milliseconds, microseconds or nanoseconds by their size. ``now``, ``now-5m``, ``-5m`` and ``5m`` are
relative to the time of asking.
"""

import re
from datetime import date
from typing import Final

from logyard.language.numbers import parse_duration

__all__ = [
    "DAY",
    "EARLIEST",
    "LATEST",
    "Span",
    "bounded",
    "is_absolute",
    "parse_clock",
    "parse_time",
    "parse_weekday",
]

EARLIEST: Final = -(1 << 63)
"""Before every record, in nanoseconds."""

LATEST: Final = (1 << 63) - 1
"""After every record, in nanoseconds."""

Span = tuple[int, int]
"""First and last nanosecond, both inside."""

_SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * _SECOND
"""Nanoseconds of a day."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_DATE: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})(?:[T ](?P<hour>\d{2})"
    r"(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9})\d*)?)?)?)?)?)?"
    r"(?:Z|(?P<sign>[+-])(?P<zone_hour>\d{2}):(?P<zone_minute>\d{2}))?",
    re.IGNORECASE | re.ASCII,
)
_STARTS_WITH_YEAR: Final = re.compile(r"\d{4}(?:[-+Zz]|$)", re.ASCII)
_UNIX: Final = re.compile(r"(\d{1,19})(?:\.(\d{1,9})\d*)?", re.ASCII)
_UNIX_UNITS: Final = ((1 << 31, _SECOND), (1000 << 31, 1_000_000), (1_000_000 << 31, 1_000), (1 << 63, 1))
_CLOCK: Final = re.compile(r"(\d{2}):(\d{2})", re.ASCII)
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_LARGEST: Final = {
    "month": 12,
    "day": 31,
    "hour": 23,
    "minute": 59,
    "second": 59,
    "zone_hour": 23,
    "zone_minute": 59,
}


def is_absolute(text: str) -> bool:
    """Whether ``_time:text`` means a time (``now``, ``2024-05``), not a duration (``5m``)."""
    return text.lower() == "now" or bool(_STARTS_WITH_YEAR.match(text))


def parse_time(text: str, now: int) -> Span | None:
    """First and last nanosecond of the time that ``text`` names, or None. A point in time is its own end."""
    relative = _relative(text.lower(), now)
    if relative is not None:
        return relative, relative
    if found := _DATE.fullmatch(text):
        return _date(found)
    if found := _UNIX.fullmatch(text):
        whole = int(found[1])
        unit = next((unit for bound, unit in _UNIX_UNITS if whole < bound), None)
        if unit is None:
            return None
        point = whole * unit + int((found[2] or "").ljust(9, "0")) * unit // _SECOND
        return point, point
    return None


def parse_clock(text: str) -> int | None:
    """Nanoseconds since midnight of ``hh:mm``; ``24:00`` is the last one of the day."""
    found = _CLOCK.fullmatch(text)
    if not found or int(found[1]) > 24 or int(found[2]) > 59:  # noqa: PLR2004 - a clock's face
        return None
    return min(int(found[1]) * 3600 * _SECOND + int(found[2]) * 60 * _SECOND, DAY - 1)


def parse_weekday(text: str) -> int | None:
    """0 for ``Sun`` or ``sunday`` to 6 for Saturday."""
    names = [index for index, name in enumerate(_DAYS) if text.lower() in {name, name[:3]}]
    return names[0] if names else None


def bounded(nanoseconds: int) -> int:
    """The nearest time that 64 bits hold."""
    return max(EARLIEST, min(LATEST, nanoseconds))


def _relative(text: str, now: int) -> int | None:
    if text == "now":
        return now
    offset = parse_duration(text.removeprefix("now").removeprefix("+"))
    if offset is None or text.startswith("+"):
        return None
    return bounded(now + offset if text.startswith("now+") else now - abs(offset))


def _date(found: re.Match[str]) -> Span | None:
    numbers = {name: int(value) for name, value in found.groupdict().items() if value and value.isdigit()}
    if any(numbers.get(name, 0) > largest for name, largest in _LARGEST.items()):
        return None
    year, month, day = numbers["year"], numbers.get("month", 1), numbers.get("day", 1)
    try:
        first = date(year, month, day).toordinal()
        last = _next_day(numbers).toordinal()
    except ValueError:
        return None
    zone = (numbers.get("zone_hour", 0) * 60 + numbers.get("zone_minute", 0)) * 60 * _SECOND
    midnight = (first - _EPOCH) * DAY - (-zone if found["sign"] == "-" else zone)
    start = midnight + _time_of_day(numbers, found["fraction"])
    length = (last - first) * DAY if "hour" not in numbers else _precision(numbers, found["fraction"])
    return bounded(start), bounded(start + length - 1)


def _next_day(numbers: dict[str, int]) -> date:
    """The first day behind the year, month or day."""
    year, month, day = numbers["year"], numbers.get("month"), numbers.get("day")
    if month is None:
        return date(year + 1, 1, 1)
    if day is None:
        return date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(date(year, month, day).toordinal() + 1)


def _time_of_day(numbers: dict[str, int], fraction: str | None) -> int:
    seconds = numbers.get("hour", 0) * 3600 + numbers.get("minute", 0) * 60 + numbers.get("second", 0)
    return seconds * _SECOND + int((fraction or "").ljust(9, "0"))


def _precision(numbers: dict[str, int], fraction: str | None) -> int:
    """Nanoseconds that a time of day stands for: three digits are a millisecond, six a microsecond."""
    if fraction:
        return {3: 1_000_000, 6: 1_000}.get(len(fraction), 1)
    if "second" in numbers:
        return _SECOND
    return 60 * _SECOND if "minute" in numbers else 3600 * _SECOND
