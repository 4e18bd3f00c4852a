"""Customs: what the times of a source leave unsaid, and its settings say."""

from typing import Final, Literal

import msgspec

__all__ = ["DEFAULT_CUSTOMS", "Customs"]


class Customs(msgspec.Struct, frozen=True, kw_only=True):
    """How a source's times are completed."""

    zone: str = ""
    """Of times without one: an IANA name or an offset like ``-02:00``; "" is UTC. Where it is given, it also says what
    an abbreviation means that several zones share (MST, IST): the zone's own, or else the zone's time.
    """
    date_order: Literal["", "MDY", "DMY", "YMD"] = ""
    """Of dates in numbers. "" takes what can only be meant; else YMD where a year of four digits is in front, DMY for
    dates with points, MDY for the rest.
    """
    year: int = 0
    """Of dates without one. 0 takes the year that puts the time last before ``now`` (a day later is still now)."""
    now: int = 0
    """Nanoseconds since the Unix epoch; when the times were read."""


DEFAULT_CUSTOMS: Final = Customs()
