"""A stored record given back as its sender wrote it: columns and attributes under the keys they came with.

What does not come back: repeated keys, the order of keys, how a number was written (``1.0``), and the type of
a number or boolean that filled a text column other than level (it is text now). A value that Logyard set by
default comes under our own name, unless the sender has a key of that name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.model import origin, timestamp
from logyard.model.schema import ATTRIBUTES, KEYED_COLUMNS
from logyard.types import Json

__all__ = ["record", "records"]

_SCALAR: Final = re.compile(r"true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def records(frame: pl.DataFrame) -> Iterator[dict[str, Json]]:
    """``record`` for each row of a frame in the canonical schema."""
    yield from map(record, frame.with_columns(pl.col("timestamp").cast(pl.Int64)).iter_rows(named=True))


def record(row: Mapping[str, object]) -> dict[str, Json]:
    """The record of a row with the columns of the canonical schema, ``timestamp`` in nanoseconds.

    The time is RFC 3339 text; a level is the sender's own word, a number where it looks like one.
    """
    attributes: dict[str, Json] = _attributes(str(row[ATTRIBUTES]))
    keys = origin.parse(str(row["origin"]))
    result: dict[str, Json] = {}
    for column in KEYED_COLUMNS:
        key = keys.get(column, column)
        value = _value(column, row)
        if value == "" or (not key and column in attributes):
            continue
        inside, name = _home(attributes, key or column)
        (result if inside is None else inside)[name] = value
    return result | attributes


def _attributes(text: str) -> dict[str, Json]:
    decoded: dict[str, Json] = msgspec.json.decode(text, type=dict)
    return decoded


def _value(column: str, row: Mapping[str, object]) -> Json:
    if column == "timestamp":
        instant = row["timestamp"]
        return timestamp.format_ns(instant) if isinstance(instant, int) else str(instant)
    if column != "level":
        return str(row[column])
    word = str(row["level_text"] or row["level"])
    scalar: Json = msgspec.json.decode(word) if _SCALAR.fullmatch(word) else word
    return scalar


def _home(attributes: dict[str, Json], key: str) -> tuple[dict[str, Json] | None, str]:
    """The object that ``key`` belongs into, and its name there; None for the top.

    A dotted key was nested if an object of its first part is there.
    """
    parent, _, child = key.partition(".")
    inside = attributes.get(parent) if child else None
    return (inside, child) if isinstance(inside, dict) else (None, key)
