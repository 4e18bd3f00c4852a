"""Records of a frame as rows of an answer, flat, as the query side prints stored ones.

NATIVE: ``id``, our columns, then the attributes under dotted names with their JSON types; what is empty is
left out. VICTORIA: ``_time``, ``_stream_id``, ``_stream``, ``_msg`` and the sender's own keys; every value
is text, empty ones are left out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.language.frame import flatten
from logyard.model import origin
from logyard.model.dialect import Dialect
from logyard.model.schema import ATTRIBUTES, KEYED_COLUMNS
from logyard.model.timestamp import format_ns
from logyard.stream.chunk import Load
from logyard.types import LogId

__all__ = ["Row", "rows"]

Row = dict[str, object]
"""A flat record; a ``msgspec.Raw`` is JSON text as it stands."""

ShowId = Callable[[LogId], str]

_NATIVE: Final = (
    "level",
    "service",
    "host",
    "source",
    "message",
    "trace_id",
    "span_id",
    "correlation_id",
    "tags",
)
_GIVEN: Final = tuple(name for name in KEYED_COLUMNS if name not in {"timestamp", "message"})
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LEVELS: Final = 6
"""Objects below this depth stay one JSON text, as in the store (``store/mapping.py``)."""


def rows(load: Load, dialect: Dialect, show_id: ShowId) -> Iterator[Row]:
    """A row for each record of ``load``."""
    records = load.frame.with_columns(pl.col("timestamp").cast(pl.Int64)).iter_rows(named=True)
    if dialect is Dialect.VICTORIA:
        return map(_victoria, records)
    return (_native(record, show_id(log_id)) for record, log_id in zip(records, load.ids(), strict=True))


def _native(record: Mapping[str, object], log_id: str) -> Row:
    row: Row = {"id": log_id, "timestamp": format_ns(_instant(record))}
    row |= {name: value for name in _NATIVE if (value := record[name])}
    for name, value in _leaves("", str(record[ATTRIBUTES]).encode(), 0):
        row.setdefault(name, value)
    return row


def _leaves(prefix: str, text: bytes, level: int) -> Iterator[tuple[str, msgspec.Raw]]:
    for key, value in _OBJECT.decode(text).items():
        inner = bytes(value)
        if inner.startswith(b"{") and level < _LEVELS:
            yield from _leaves(f"{prefix}{key}.", inner, level + 1)
        else:
            yield prefix + key, value


def _victoria(record: Mapping[str, object]) -> Row:
    keys = origin.parse(str(record["origin"]))
    row: Row = {"_time": format_ns(_instant(record)), "_stream": record["stream"], "_msg": record["message"]}
    for column in _GIVEN:
        key = keys.get(column, column)
        value = record["level_text"] if column == "level" and record["level_text"] else record[column]
        if key:
            row[key] = value
    row |= flatten(str(record[ATTRIBUTES]))
    return {name: value for name, value in row.items() if value}


def _instant(record: Mapping[str, object]) -> int:
    instant = record["timestamp"]
    return instant if isinstance(instant, int) else 0
