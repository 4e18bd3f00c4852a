"""Records as their senders wrote them: their own keys, nested as they came, with our id."""

from collections.abc import Callable, Iterator
from typing import Final

import polars as pl

from logyard.model import origin
from logyard.model.schema import KEYED_COLUMNS
from logyard.model.timestamp import format_ns
from logyard.query.rows import Row, stored_value
from logyard.types import Json, LogId

__all__ = ["SENT_COLUMNS", "sent_rows"]

_TEXTS: Final = tuple(column for column in KEYED_COLUMNS if column != "timestamp")

SENT_COLUMNS: Final = (
    "id, toUnixTimestamp64Nano(timestamp) AS at, "
    + ", ".join(f"toString({column})" for column in _TEXTS)
    + ", toString(level_text) AS given_level, CAST(tags, 'Array(String)') AS labels, toString(origin) AS named, "
    "CAST(mapKeys(attributes), 'Array(String)') AS keys, mapValues(attributes) AS texts, "
    "CAST(objects, 'Array(String)') AS nests"
)
"""For SELECT from ``logs``."""


def sent_rows(frame: pl.DataFrame, show_id: Callable[[LogId], str]) -> Iterator[Row]:
    """The records of an answer to ``SELECT`` of ``SENT_COLUMNS``. A default that was set for want of a key has
    our name.
    """
    for number, at, *texts, given, labels, named, keys, values, nests in frame.rows():
        keyed = origin.parse(named)
        row: Row = {"id": show_id(LogId(number))}
        objects = set(nests)
        _put(row, keyed.get("timestamp") or "timestamp", format_ns(at), objects=objects)
        for column, value in zip(_TEXTS, texts, strict=True):
            shown = stored_value(given) if column == "level" and given else value
            if shown or shown == 0:
                _put(row, keyed.get(column) or column, shown, objects=objects)
        if labels:
            row["tags"] = labels
        for key, value in zip(keys, values, strict=True):
            _put(row, key, stored_value(value), objects=objects)
        yield row


def _put(row: Row, name: str, value: Json, *, objects: set[str]) -> None:
    """Under its name, inside the objects that the name leads through."""
    place = row
    start = 0
    for end in (index for index, character in enumerate(name) if character == "."):
        if name[:end] not in objects:
            continue
        inner = place.setdefault(name[start:end], {})
        if not isinstance(inner, dict):
            break
        place, start = inner, end + 1
    place[name[start:]] = value
