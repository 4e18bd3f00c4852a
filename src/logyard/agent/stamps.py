"""Timestamps as engines write them before each line, to nanoseconds and back, a few hundred nanoseconds each.

Calendars are slow and lines come in bunches, so the second is looked up once and only the fraction read for each line.
"""

from datetime import UTC, datetime
from typing import Final

from logyard.errors import Corrupt

__all__ = ["SECOND", "Stamps", "iso"]

SECOND: Final = 1_000_000_000
_WHOLE: Final = 19
"""Length of ``2026-01-31T14:03:11``."""


class Stamps:
    """RFC 3339 with a zone and any fraction. Keeps the last second it saw."""

    def __init__(self) -> None:
        self._key = b"none yet"
        self._second = 0

    def parse(self, text: bytes) -> int:
        """Nanoseconds since the Unix epoch. Raises ``Corrupt`` for what is no time."""
        zone = 20 if text[-1:] == b"Z" else 25
        digits = text[20 : len(text) - (zone - 19)] if text[_WHOLE : _WHOLE + 1] == b"." else b""
        key = text if not digits else text[:_WHOLE] + text[_WHOLE + 1 + len(digits) :]
        try:
            if key != self._key:
                self._second = int(datetime.fromisoformat(key.decode()).timestamp()) * SECOND
                self._key = key
            return self._second + (int(digits.ljust(9, b"0")[:9]) if digits else 0)
        except ValueError as error:
            raise Corrupt(f"the engine's time is none: {text!r}") from error


def iso(time: int) -> str:
    """``2026-01-31T14:03:11.123456789Z``; "" for 0."""
    if not time:
        return ""
    return f"{datetime.fromtimestamp(time // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{time % SECOND:09d}Z"
