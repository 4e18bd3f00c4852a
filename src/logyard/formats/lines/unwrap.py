"""Lines inside of lines: the record of the outer one with what the inner one says.

The outer line was written by whoever carried the line (a container runtime, syslog): what it says stays, for it says it
of every line. Where it says nothing, the inner line's time, level, service, host and ids are taken. The message is the
inner line's. Attributes of both are kept; of two with one name the inner one.
"""

from typing import Final

import polars as pl

from logyard.formats.json.members import merged

__all__ = ["unwrapped"]

_INNER: Final = ("host", "trace_id", "span_id", "correlation_id")
_UNTIMED: Final = ",timestamp=,"
"""Stands in ``origin`` of a record that brought no time."""


def unwrapped(frame: pl.DataFrame, rows: pl.Series, inner: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the records at ``rows`` as ``inner`` (a row for each of ``rows``) completes them."""
    outer = frame[rows]
    leveled, named = outer["level"] == "", outer["service"] == "unknown"
    untimed = outer["origin"].str.contains(_UNTIMED, literal=True)
    timed = untimed & ~inner["origin"].str.contains(_UNTIMED, literal=True)
    completed = outer.with_columns(
        *(inner[name].zip_with(leveled, outer[name]) for name in ("level", "severity", "level_text")),
        *(inner[name].zip_with(named, outer[name]) for name in ("service", "stream")),
        *(inner[name].zip_with(outer[name] == "", outer[name]) for name in _INNER),
        inner["message"],
        inner["timestamp"].zip_with(timed, outer["timestamp"]),
        _origin(outer["origin"], named=named & (inner["service"] != "unknown"), timed=timed),
        merged(outer["attributes"], inner["attributes"]).alias("attributes"),
    )
    if rows.len() == frame.height:
        return completed
    places = pl.Series(range(frame.height), dtype=pl.UInt32)
    rest = places.filter(~places.is_in(rows))
    return pl.concat([frame[rest], completed])[pl.concat([rest, rows.cast(pl.UInt32)]).arg_sort()]


def _origin(outer: pl.Series, *, named: pl.Series, timed: pl.Series) -> pl.Series:
    """Without the notes that time or service were set for want of one, where the inner line had one."""
    found = outer.str.replace("service=,", "", literal=True).zip_with(named, outer)
    found = found.str.replace("timestamp=,", "", literal=True).zip_with(timed, found)
    return found.set(found == ",", "").alias("origin")
