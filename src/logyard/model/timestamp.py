"""Timestamps: every accepted spelling to nanoseconds since the Unix epoch, exactly, and back to RFC 3339.

Two spellings are accepted, and nothing else:

- a date and a time of day, as RFC 3339 and ISO 8601 write them: ``2024-01-02T03:04:05``, parted by ``T``,
  ``t`` or a blank; a fraction of any length after ``.`` or ``,`` (what is beyond nanoseconds is cut off);
  then, perhaps after a blank, a zone: ``Z``, ``z``, ``+HH:MM``, ``+HHMM`` or ``+HH``. No zone means UTC.
  Second 60 is refused.
- a Unix time: up to 19 digits, perhaps with a fraction. Its size tells its unit: below 1e11 seconds, below
  1e14 milliseconds, below 1e17 microseconds, else nanoseconds (whose fraction is dropped). No sign, no
  exponent.

The instant must lie in 1970-2261. All arithmetic is on integers: a double has no room for nanoseconds.
``parse``, ``parse_series`` and the store's SQL say the same, for they read by the same two patterns.
"""

import re
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

__all__ = ["CALENDAR", "END", "SECOND", "UNIX", "UNIX_UNITS", "format_ns", "parse", "parse_series"]

SECOND: Final = 1_000_000_000
"""Nanoseconds in a second."""

END: Final = 9_214_646_400 * SECOND
"""The first instant that is too late: 2262-01-01T00:00:00Z."""

CALENDAR: Final = (
    "^((?:19[7-9][0-9]|2[01][0-9]{2}|22[0-5][0-9]|226[01])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))[Tt ]"
    "([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:[.,]([0-9]+))?"
    "(?: ?(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?))?$"
)
"""A date with a time of day. Groups: date, hour, minute, second, fraction, sign, zone hour, zone minute. Read
alike by Python, Polars and RE2. That the day exists (no 30th of February) must be looked up besides."""

UNIX: Final = r"^([0-9]{1,19})(?:\.([0-9]+))?$"
"""A Unix time. Groups: whole, fraction."""

UNIX_UNITS: Final = ((10**11, SECOND), (10**14, 1_000_000), (10**17, 1_000), (10**19, 1))
"""(bound, nanoseconds a unit): the first bound above the whole part tells the unit."""

_CALENDAR: Final = re.compile(CALENDAR)
_UNIX: Final = re.compile(UNIX)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def parse(text: str) -> int | None:
    """Nanoseconds since the Unix epoch, or None when the text is no timestamp in 1970-2261."""
    found = _CALENDAR.fullmatch(text)
    if found:
        instant = _calendar(found)
    else:
        found = _UNIX.fullmatch(text)
        instant = _unix(found) if found else None
    return instant if instant is not None and 0 <= instant < END else None


def _calendar(found: re.Match[str]) -> int | None:
    day, hour, minute, second, fraction, sign, zone_hour, zone_minute = found.groups()
    try:
        days = date.fromisoformat(day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    zone = int(zone_hour or 0) * 3600 + int(zone_minute or 0) * 60
    seconds = days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second) - (-zone if sign == "-" else zone)
    return seconds * SECOND + _nanoseconds(fraction)


def _unix(found: re.Match[str]) -> int:
    whole = int(found[1])
    unit = next(unit for bound, unit in UNIX_UNITS if whole < bound)
    return whole * unit + _nanoseconds(found[2]) * unit // SECOND


def _nanoseconds(fraction: str | None) -> int:
    """Billionths for the digits after the point."""
    return int(fraction[:9].ljust(9, "0")) if fraction else 0


def parse_series(texts: pl.Series) -> pl.Series:
    """``parse`` for a column of texts: Int64, null where a text is no timestamp."""
    text = pl.col("text")
    parts = pl.DataFrame({"text": texts.cast(pl.String)}).select(
        text.str.extract_groups(CALENDAR).struct.rename_fields(list("dhmsfizy")).struct.unnest(),
        text.str.extract_groups(UNIX).struct.rename_fields(["whole", "rest"]).struct.unnest(),
    )
    instant = parts.select(pl.coalesce(_calendar_expression(), _unix_expression()).alias(texts.name)).to_series()
    return instant.set(~instant.is_between(0, END, closed="left"), None)


def _digits(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64, strict=False).fill_null(0)


def _billionths(name: str) -> pl.Expr:
    return pl.col(name).str.slice(0, 9).str.pad_end(9, "0").cast(pl.Int64).fill_null(0)


def _calendar_expression() -> pl.Expr:
    days = pl.col("d").str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64)
    zone = _digits("z") * 3600 + _digits("y") * 60
    offset = pl.when(pl.col("i") == "-").then(-zone).otherwise(zone)
    seconds = days * 86400 + _digits("h") * 3600 + _digits("m") * 60 + _digits("s") - offset
    return seconds * SECOND + _billionths("f")


def _unix_expression() -> pl.Expr:
    """Null for what is too late, before a product could overflow; so, too, for 19 digits beyond 64 bits."""
    whole = pl.col("whole").cast(pl.Int64, strict=False)
    instant: pl.Expr = pl.lit(None, dtype=pl.Int64)
    for bound, unit in reversed(UNIX_UNITS):
        early = pl.when(whole < END // unit).then(whole)
        value = early * unit + _billionths("rest") * unit // SECOND
        # The last bound is beyond 64 bits and so is always met.
        instant = value if unit == 1 else pl.when(whole < bound).then(value).otherwise(instant)
    return instant


def format_ns(instant: int) -> str:
    """RFC 3339 in UTC, without trailing zeros of the fraction: ``2024-01-02T03:04:05.25Z``."""
    seconds, fraction = divmod(instant, SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else text + "Z"
