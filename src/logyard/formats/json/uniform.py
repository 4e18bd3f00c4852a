"""The way of nearly every batch: lines that all have the same keys, and plain values under the known ones.

Such lines are decoded into a struct made for their shape, and read column by column: a third of the cost of looking at
each row by itself. Whatever does not fit (another key, a nested or empty value, a timestamp that is none) makes the
whole batch go the general way, ``frame.py``; a property test holds the two equal.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

import msgspec

from logyard.model import origin
from logyard.model.reading import Reading
from logyard.model.schema import KEYED_COLUMNS

__all__ = ["Uniform", "uniform"]

_KEYS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MOST_KEYS: Final = 100
_ODD: Final = re.compile(r'["\\\x00-\x1f]')
"""In names that a struct's field cannot have."""
_NUMBERS_TOO: Final = frozenset({"timestamp", "level"})
"""Columns that senders fill with whole numbers, too."""


class Uniform(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of lines of one shape, a list a column."""

    texts: Mapping[str, list[str]]
    """Of each of ``KEYED_COLUMNS`` that the shape fills; none is empty."""
    attributes: list[str]
    origin: str


class _Shape(msgspec.Struct, frozen=True):
    """What is the same for all lines with these keys."""

    decode: Callable[[bytes], list[msgspec.Struct]]
    used: Mapping[str, str]
    """Column -> name of its field in the struct."""
    rest: Sequence[tuple[bytes, str]]
    """``"key":`` and field of what stays an attribute."""
    origin: str


def uniform(lines: bytes, reading: Reading) -> Uniform | None:
    """The columns of ``lines`` (at least one), or None when they are not all of one plain shape."""
    shape = _shape(tuple(_KEYS.decode(lines[: lines.find(b"\n")] if b"\n" in lines else lines)), reading)
    if shape is None:
        return None
    try:
        rows = shape.decode(lines)
    except msgspec.ValidationError:
        return None
    texts = {column: _texts(map(attrgetter(field), rows), column) for column, field in shape.used.items()}
    if any("" in values for values in texts.values()):
        return None
    return Uniform(texts=texts, attributes=_attributes(rows, shape.rest), origin=shape.origin)


@lru_cache(maxsize=256)
def _shape(keys: tuple[str, ...], reading: Reading) -> _Shape | None:
    if len(keys) > _MOST_KEYS or any(_ODD.search(key) for key in keys):
        return None
    chosen = [_chosen(keys, getattr(reading, column)) for column in KEYED_COLUMNS]
    used = [key for key in chosen if key]
    if None in chosen or len(set(used)) < len(used):
        return None
    column_of = {key: column for column, key in zip(KEYED_COLUMNS, chosen, strict=True) if key}
    fields = {key: f"field_{number}" for number, key in enumerate(keys)}
    struct = msgspec.defstruct(
        "Line",
        [(field, _type(column_of.get(key))) for key, field in fields.items()],
        rename={field: key for key, field in fields.items()},
        forbid_unknown_fields=True,
        gc=False,
    )
    return _Shape(
        decode=msgspec.json.Decoder(struct).decode_lines,
        used={column: fields[key] for key, column in column_of.items()},
        rest=[(msgspec.json.encode(key) + b":", field) for key, field in fields.items() if key not in column_of],
        origin=origin.compose([key or None for key in chosen]),
    )


def _chosen(keys: Sequence[str], tried: Iterable[str]) -> str | None:
    """The key that fills a column; "" for none, None where the value may be nested."""
    for key in tried:
        if key in keys:
            return key
        if key.partition(".")[0] in keys:
            return None
    return ""


def _type(column: str | None) -> object:
    if column is None:
        return msgspec.Raw
    return str | int if column in _NUMBERS_TOO else str


def _texts(values: Iterable[str | int], column: str) -> list[str]:
    return list(map(str, values)) if column in _NUMBERS_TOO else list(values)  # type: ignore[arg-type] # all are str


def _attributes(rows: Sequence[msgspec.Struct], rest: Sequence[tuple[bytes, str]]) -> list[str]:
    """Compact JSON of what fills no column."""
    if not rest:
        return ["{}"] * len(rows)
    columns = [[start + bytes(value) for value in map(attrgetter(field), rows)] for start, field in rest]
    return [_compact(b"{" + b",".join(parts) + b"}") for parts in zip(*columns, strict=True)]


def _compact(text: bytes) -> str:
    return (msgspec.json.format(text, indent=-1) if b" " in text else text).decode()
