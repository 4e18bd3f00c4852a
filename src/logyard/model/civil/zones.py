"""What stands behind a time of day: an offset, a zone's abbreviation, both, or words that say nothing.

Offsets are seconds east of Greenwich. Abbreviations are not unique in the world: those in ``_PLAIN`` mean one thing
wherever they are written; those in ``_SHARED`` are read in the source's own zone if it has one, else as the zone of
most writers.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from logyard.errors import BadConfig

__all__ = ["LOCAL", "check_zone", "fixed_offset", "offset_of", "region"]

LOCAL: Final = -1_000_000
"""Stands for "the source's own zone" where an offset is expected."""

_HOUR: Final = 3600

_PLAIN: Final[Mapping[str, float]] = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "ZULU": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "MSD": 4, "SAST": 2, "WAT": 1, "CAT": 2, "EAT": 3, "TRT": 3, "PKT": 5, "NPT": 5.75,
    "ICT": 7, "WIB": 7, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3, "ART": -3, "NST": -3.5, "NDT": -2.5, "AKST": -9, "AKDT": -8,
    "HST": -10, "EDT": -4, "CDT": -5, "MDT": -6, "PDT": -7, "ADT": -3,
}  # fmt: skip
"""Hours."""

_SHARED: Final[Mapping[str, float]] = {"EST": -5, "CST": -6, "MST": -7, "PST": -8, "AST": -4, "BST": 1, "IST": 5.5}

_OFFSET: Final = r"([+-])([0-9]{1,2})(?::?([0-5][0-9]))?(?::?[0-5][0-9])?"
_BEHIND: Final = re.compile(rf"[ ,]*([A-Za-z]{{1,5}})?[ ]*(?:{_OFFSET})?(?:[ ]+(?:[A-Za-z]{{2,5}}|{_OFFSET}))?[ ]*")
_NOISE: Final = re.compile(r"\s+m=[+-][0-9.]+|\([^)]*\)|\[[A-Za-z_]+/[A-Za-z_/]+\]")
"""Go's monotonic clock, a zone's long name in parentheses, Java's zone in brackets: said twice, or not time at all."""


@lru_cache(maxsize=4096)
def offset_of(behind: str, zone: str) -> int | None:
    """The offset that ``behind`` names, ``LOCAL`` where it names none, None where it is something else.

    ``zone`` is the source's setting (``Customs.zone``).
    """
    found = _BEHIND.fullmatch(_NOISE.sub("", behind))
    if not found:
        return None
    name, sign, hours, minutes = found.group(1, 2, 3, 4)
    if sign:
        return _seconds(sign, hours, minutes)
    if name:
        return _named(name.upper(), zone)
    return LOCAL


def fixed_offset(zone: str) -> int | None:
    """Seconds for a setting that is an offset (or UTC, or ""), None for the name of a region."""
    if not zone:
        return 0
    found = re.fullmatch(_OFFSET, zone)
    if found:
        return _seconds(*found.group(1, 2, 3))
    return 0 if zone.upper() in {"UTC", "GMT", "Z"} else None


def check_zone(zone: str) -> None:
    """Raise ``BadConfig`` for a setting that is neither an offset nor a zone."""
    if fixed_offset(zone) is None:
        region(zone)


def region(zone: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ``BadConfig``."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadConfig(f"{zone!r} is neither an offset like +02:00 nor a time zone's name", path="zone") from error


def _seconds(sign: str, hours: str, minutes: str | None) -> int:
    seconds = int(hours) * _HOUR + int(minutes or 0) * 60
    return -seconds if sign == "-" else seconds


def _named(name: str, zone: str) -> int | None:
    if name in _PLAIN:
        return int(_PLAIN[name] * _HOUR)
    if name not in _SHARED:
        return None
    if not zone:
        return int(_SHARED[name] * _HOUR)
    return _in_region(zone).get(name, LOCAL)


@lru_cache(maxsize=64)
def _in_region(zone: str) -> Mapping[str, int]:
    """The abbreviations of a zone, winter and summer."""
    if fixed_offset(zone) is not None:
        return {}
    times = (datetime(2024, month, 1, tzinfo=UTC).astimezone(region(zone)) for month in (1, 7))
    return {time.tzname() or "": int((time.utcoffset() or timedelta()).total_seconds()) for time in times}
