"""Origin: which of the sender's keys filled which column, so that a record can be given back as it came.

Text form: ``",level=lvl,message=msg,"``, columns in the order of ``KEYED_COLUMNS``. A column is named when
the sender's key has another name than ours, or, with no key, when a default was set for want of one
(``",service=,"``; only timestamp and service have defaults). "" when there is nothing to say. The commas at
both ends let a plain substring search find an entry.
"""

from collections.abc import Mapping, Sequence

from logyard.errors import BadPayload
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.model.schema import KEYED_COLUMNS

__all__ = ["DEFAULTED", "check", "compose", "parse"]

DEFAULTED = frozenset({"timestamp", "service"})
"""Columns that get a value when the sender gave none."""


def compose(keys: Sequence[str | None]) -> str:
    """The origin of a record whose column ``KEYED_COLUMNS[i]`` was filled by ``keys[i]``, None for no key."""
    entries = [
        f"{column}={key or ''}"
        for column, key in zip(KEYED_COLUMNS, keys, strict=True)
        if (key != column if key is not None else column in DEFAULTED)
    ]
    return f",{','.join(entries)}," if entries else ""


def parse(text: str) -> Mapping[str, str]:
    """Column -> the sender's key, "" for a default; columns that ``text`` does not name are under our own
    name.
    """
    entries = (entry.partition("=") for entry in text.strip(",").split(",") if entry)
    return {column: key for column, _, key in entries}


def check(reading: Reading) -> None:
    """Raise ``BadPayload`` for a reading with a key that an origin could not hold: empty, or with "," or
    "=".
    """
    if reading is DEFAULT_READING:
        return
    for column in KEYED_COLUMNS:
        for key in getattr(reading, column):
            if not key or "," in key or "=" in key:
                raise BadPayload(f'a key for {column} must not be empty or hold "," or "=": {key!r}')
