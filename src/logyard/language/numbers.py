"""The numbers of the language. Values are text; a number is a text that reads as one.

Read are, in this order: integers and decimals (``10``, ``-1.5e3``, ``1_000``, ``0x1F``, ``inf``), durations
(``1h30m``, in nanoseconds), sizes (``10MiB``, in bytes), RFC 3339 timestamps (in nanoseconds) and IPv4
addresses (as 32 bits).
"""

import re
from collections.abc import Callable
from typing import Final

import polars as pl

from logyard.model import timestamp

__all__ = [
    "format_ipv4",
    "numbers",
    "parse_duration",
    "parse_integer",
    "parse_ipv4",
    "parse_number",
    "parse_size",
]

_NUMBER: Final = r"(\d[\d_]*(?:\.\d+)?)"
_MICRO: Final = "\N{MICRO SIGN}s"
_UNITS_OF_TIME: Final = {
    "ns": 1, _MICRO: 1_000, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
    "h": 3_600_000_000_000, "d": 86_400_000_000_000, "w": 604_800_000_000_000, "y": 31_536_000_000_000_000,
}  # fmt: skip
_UNITS_OF_SIZE: Final = {
    "B": 1, "": 1,
    **{letter + end: 1000**power for power, letter in enumerate("KMGT", 1) for end in ("", "B")},
    **{letter + end: 1024**power for power, letter in enumerate("KMGT", 1) for end in ("i", "iB")},
}  # fmt: skip
_DECIMAL: Final = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf", re.IGNORECASE | re.ASCII)
_BASED: Final = re.compile(r"[+-]?0(?:[xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)", re.ASCII)
_TIME_PART: Final = re.compile(_NUMBER + f"(ns|{_MICRO}|us|ms|s|m|h|d|w|y)", re.ASCII)
_SIZE_PART: Final = re.compile(_NUMBER + "([KMGT]i?B?|B)", re.ASCII)
_DURATION: Final = re.compile(f"-?(?:{_TIME_PART.pattern})+", re.ASCII)
_SIZE: Final = re.compile(f"-?(?:{_SIZE_PART.pattern})+", re.ASCII)
_IPV4: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
_LONGEST: Final = 64
"""Characters; no number is longer."""
_INT64: Final = (1 << 63) - 1


def parse_number(text: str) -> float | None:
    """The number that ``text`` reads as, or None."""
    if not text or len(text) > _LONGEST:
        return None
    for parse in _PARSERS:
        value = parse(text)
        if value is not None:
            return float(value)
    return None


def parse_integer(text: str) -> int | None:
    """A whole number from 0 in any spelling (``1_000``, ``0x10``, ``10KiB``, ``inf`` for 2^64-1), or None."""
    digits = text.replace("_", "")
    if len(text) > _LONGEST:
        return None
    if text.lower() in {"inf", "+inf"}:
        return (1 << 64) - 1
    if digits.isascii() and digits.isdecimal():
        return int(digits)
    if _BASED.fullmatch(text):
        return max(0, int(text, 0))
    value = parse_size(text) or parse_duration(text)
    return value if value is not None and value >= 0 else None


def parse_duration(text: str) -> int | None:
    """Nanoseconds of ``1h30m``, ``-1.5s``; None for what is no duration. At most what 64 bits hold."""
    if len(text) > _LONGEST or not _DURATION.fullmatch(text):
        return None
    return _sum(text, _TIME_PART, _UNITS_OF_TIME)


def parse_size(text: str) -> int | None:
    """Bytes of ``10MiB``, ``1.5K``; None for what is no size."""
    if len(text) > _LONGEST or not _SIZE.fullmatch(text):
        return None
    return _sum(text, _SIZE_PART, _UNITS_OF_SIZE)


def parse_ipv4(text: str) -> int | None:
    """The 32 bits of ``1.2.3.4``, or None."""
    found = _IPV4.fullmatch(text)
    if not found:
        return None
    parts = [int(part) for part in found.groups()]
    if max(parts) > 255:  # noqa: PLR2004 - the largest byte
        return None
    return int.from_bytes(bytes(parts), "big")


def format_ipv4(address: int) -> str:
    """``1.2.3.4``."""
    return ".".join(map(str, address.to_bytes(4, "big")))


def numbers(values: pl.Series) -> pl.Series:
    """The numbers that texts read as (Float64), null for the others.

    Plain decimals are cast as a whole; the rest of what may be a number goes through Python, each different
    text once.
    """
    plain = values.str.contains(r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$")
    found = values.zip_with(plain, pl.Series([None], dtype=pl.String)).cast(pl.Float64, strict=False)
    rest = values.filter(~plain & values.str.contains(r"^[+-]?\.?(?:[0-9]|[iI][nN][fF])")).unique()
    special = {text: number for text in rest if (number := parse_number(text)) is not None}
    if not special:
        return found
    others = values.replace_strict(list(special), list(special.values()), default=None, return_dtype=pl.Float64)
    return found.fill_null(others)


def _decimal(text: str) -> float | None:
    if not _DECIMAL.fullmatch(text):
        return None
    return float(text.replace("_", ""))


def _based(text: str) -> float | None:
    return float(int(text, 0)) if _BASED.fullmatch(text) else None


def _instant(text: str) -> int | None:
    return timestamp.parse(text) if text[4:5] == "-" else None


def _sum(text: str, part: re.Pattern[str], units: dict[str, int]) -> int:
    total = sum(int(float(each[1].replace("_", "")) * units[each[2]]) for each in part.finditer(text))
    return min(total, _INT64) * (-1 if text.startswith("-") else 1)


_PARSERS: Final[tuple[Callable[[str], float | None], ...]] = (
    _decimal, _based, parse_duration, parse_size, _instant, parse_ipv4,
)  # fmt: skip
