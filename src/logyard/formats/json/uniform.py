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
_ENCODE_LINES: Final = msgspec.json.Encoder().encode_lines
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
    rest: Callable[[bytes], list[msgspec.Struct]] | None
    """Decodes what stays an attribute; None where nothing does."""
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
    return Uniform(texts=texts, attributes=_attributes(lines, len(rows), shape.rest), origin=shape.origin)


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
    rest = {key: field for key, field in fields.items() if key not in column_of}
    return _Shape(
        decode=_decoder({key: _type(column_of.get(key)) for key in keys}, fields, whole=True),
        used={column: fields[key] for key, column in column_of.items()},
        rest=_decoder(dict.fromkeys(rest, msgspec.Raw), rest, whole=False) if rest else None,
        origin=origin.compose([key or None for key in chosen]),
    )


def _decoder(
    types: Mapping[str, object], fields: Mapping[str, str], *, whole: bool
) -> Callable[[bytes], list[msgspec.Struct]]:
    """Of lines into structs with these fields; ``whole``: a line with another key is none."""
    struct = msgspec.defstruct(
        "Line",
        [(fields[key], kind) for key, kind in types.items()],
        rename={field: key for key, field in fields.items()},
        forbid_unknown_fields=whole,
        gc=False,
    )
    return msgspec.json.Decoder(struct).decode_lines


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


def _attributes(lines: bytes, rows: int, rest: Callable[[bytes], list[msgspec.Struct]] | None) -> list[str]:
    """Compact JSON of what fills no column: decoded once more without the rest, and written by lines."""
    if rest is None:
        return ["{}"] * rows
    texts = _ENCODE_LINES(rest(lines))[:-1]
    found = texts.decode().split("\n")
    return list(map(_compact, found)) if b" " in texts else found


def _compact(text: str) -> str:
    return msgspec.json.format(text, indent=-1) if " " in text else text
