"""The lines that the demo's programs write, in three forms.

Times are UTC, spelt as Python's ``logging`` spells them:

2026-01-31 14:03:11,123 - {"json": "object"}
2026-01-31 14:03:11,123 - LEVEL - message
2026-01-31 14:03:11,123 - logger - LEVEL - message
"""

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from logyard.demo.pace import SECOND

__all__ = ["Fields", "data_line", "iso", "logger_line", "message_line"]

_encode = msgspec.json.Encoder().encode


class Fields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The JSON object of a line; what was not given is not written."""


def data_line(instant: int, fields: Fields) -> bytes:
    """``instant`` in nanoseconds since the Unix epoch, here and below."""
    return b"%b - %b\n" % (_time(instant).encode(), _encode(fields))


def message_line(instant: int, level: str, message: str) -> bytes:
    """A line of ``error.log``, and a warning in a file of metrics."""
    return f"{_time(instant)} - {level} - {message}\n".encode()


def logger_line(instant: int, level: str, message: str, *, logger: str) -> bytes:
    """A line of ``application.log``."""
    return f"{_time(instant)} - {logger} - {level} - {message}\n".encode()


def iso(instant: int) -> str:
    """RFC 3339 with microseconds: what a field ``timestamp`` holds."""
    return f"{_second(instant // SECOND).replace(' ', 'T')}.{instant % SECOND // 1000:06}Z"


def _time(instant: int) -> str:
    """What Python's ``logging`` writes for ``%(asctime)s``."""
    return f"{_second(instant // SECOND)},{instant % SECOND // 1_000_000:03}"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
