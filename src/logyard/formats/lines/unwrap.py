"""Lines inside of lines: the record of the outer one with what the inner one says.

The outer line was written by whoever carried the line (a container runtime, syslog): what it says stays, for it says it
of every line. Where it says nothing, the inner line's time, level, service, host and ids are taken. The message is the
inner line's. Attributes of both are kept; of two with one name the inner one.
"""

from typing import Final

import msgspec
import polars as pl

__all__ = ["unwrapped"]

_KEY: Final = r'"(?:[^"\\]|\\.)*":'
_INNER: Final = ("host", "trace_id", "span_id", "correlation_id")
_EMPTY: Final = "{}"
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
        _merged(outer["attributes"], inner["attributes"]),
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


def _merged(outer: pl.Series, inner: pl.Series) -> pl.Series:
    """Two objects a row as one."""
    if (inner == _EMPTY).all():
        return outer
    joined = pl.select(
        pl.when(inner == _EMPTY).then(outer).when(outer == _EMPTY).then(inner)
        .otherwise(outer.str.head(-1) + "," + inner.str.slice(1)).alias("attributes")
    ).to_series()  # fmt: skip
    clashing = _clashes(outer, inner)
    if not clashing.any():
        return joined
    merged = [_one(*pair) for pair in zip(outer.filter(clashing), inner.filter(clashing), strict=True)]
    return joined.scatter(clashing.arg_true(), merged)


def _clashes(outer: pl.Series, inner: pl.Series) -> pl.Series:
    """Where a name of the outer object may be one of the inner, too: by the names of all of them."""
    found = outer.str.extract_all(_KEY).explode().drop_nulls().unique()
    if not found.len():
        return pl.Series([False]).new_from_index(0, inner.len())
    return inner.str.contains_any(found.to_list())


def _one(outer: str, inner: str) -> str:
    both = msgspec.json.decode(outer, type=dict[str, msgspec.Raw]) | msgspec.json.decode(
        inner, type=dict[str, msgspec.Raw]
    )
    return msgspec.json.encode(both).decode()
