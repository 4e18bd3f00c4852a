"""The fields of a canonical frame as text, under their names in one of the two dialects.

NATIVE: a name of ours is the column; any other name is an attribute under its dotted name.
VICTORIA: ``_msg`` and ``_time`` are the message and the time. ``level``, ``service`` and so on are what the
sender gave under these very keys (``level`` in the sender's own word); a column that a default or another key
filled does not answer.

In both a key of the sender's that filled a column (``lvl``; see ``origin``) answers with that column.

Nested objects are flattened to dotted names; arrays are one text of compact JSON; numbers keep the text they
came with; booleans are ``true`` and ``false``; null is "". A time is RFC 3339, UTC, without trailing zeros.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.members import member, scalar_text
from logyard.model.dialect import Dialect
from logyard.model.schema import ATTRIBUTES, FRAME, KEYED_COLUMNS

__all__ = ["FrameFields", "flatten"]

_ALIASES: Final = {"_msg": "message", "_time": "timestamp", "_stream": "stream"}
_LEVEL: Final = "level"
_INTERNAL: Final = frozenset({ATTRIBUTES, "origin"})
_RENAMED: Final = frozenset({"timestamp", "message"})
"""Columns that the VICTORIA dialect knows by their alias only."""
_GIVEN: Final = frozenset(KEYED_COLUMNS) - _RENAMED
_VISIBLE: Final = {
    Dialect.NATIVE: tuple(name for name in FRAME if name not in _INTERNAL),
    Dialect.VICTORIA: (*_ALIASES, *sorted(_GIVEN), "tags"),
}
_Value = object
"""A decoded value: what JSON can hold, and ``msgspec.Raw`` for a number with a fraction, which keeps its text."""
_DECODER: Final = msgspec.json.Decoder(dict[str, object], float_hook=lambda text: msgspec.Raw(text.encode()))


class FrameFields:
    """Reads fields out of one frame; attributes are decoded once, when one of them is asked for."""

    def __init__(self, frame: pl.DataFrame, dialect: Dialect) -> None:
        """``frame`` has the columns of ``model/schema.py``."""
        self._frame = frame
        self._native = dialect is Dialect.NATIVE
        self._visible = _VISIBLE[dialect]
        self._origins: list[str] | None = None
        self._rows: list[dict[str, _Value]] | None = None

    def names(self) -> tuple[str, ...]:
        """The columns, and every attribute that some record has."""
        rows = map(_flat, self._decoded())
        return tuple(dict.fromkeys([*self._visible, *(name for row in rows for name in row)]))

    def text(self, field: str) -> pl.Series:
        """The field's values; "" where it is missing."""
        texts = self._own(field)
        for column in KEYED_COLUMNS:
            entry = f",{column}={field},"
            if field and any(entry in origin for origin in self._kinds_of_origin()):
                filled = self._frame["origin"].str.contains(entry, literal=True)
                texts = self._column(column, as_given=not self._native).zip_with(filled, texts)
        return texts.alias(field)

    def _kinds_of_origin(self) -> list[str]:
        """The different origins: few, so that a look at them tells of all records."""
        if self._origins is None:
            self._origins = self._frame["origin"].unique().to_list()
        return self._origins

    def _own(self, field: str) -> pl.Series:
        """The field by its name alone, without the sender's other keys."""
        if field in _ALIASES:
            return self._column(_ALIASES[field])
        if self._native or field == "tags":
            return self._column(field) if field in self._visible else self._attribute(field)
        if field not in _GIVEN:
            return self._attribute(field)
        other = self._frame["origin"].str.contains(f",{field}=", literal=True)
        return self._attribute(field).zip_with(other, self._column(field, as_given=True))

    def _column(self, name: str, *, as_given: bool = False) -> pl.Series:
        column = self._frame[name]
        if as_given and name == _LEVEL:
            given = self._frame["level_text"]
            return given.zip_with(given != "", column)
        if column.dtype == pl.String:
            return column
        return self._frame.select(_as_text(name)).to_series()

    def _attribute(self, name: str) -> pl.Series:
        values = member(self._frame[ATTRIBUTES], name)
        return scalar_text(values.set(values.str.starts_with("{"), None))  # of an object the members are the fields

    def _decoded(self) -> list[dict[str, _Value]]:
        """All attributes, decoded in one go."""
        if self._rows is None:
            self._rows = _DECODER.decode_lines("\n".join(text or "{}" for text in self._frame[ATTRIBUTES]))
        return self._rows


def flatten(attributes: str) -> dict[str, str]:
    """The JSON text of an object as flat fields: dotted names to text; nulls and empty texts are left out."""
    return _flat(_DECODER.decode(attributes or "{}"))


def _flat(row: Mapping[str, _Value]) -> dict[str, str]:
    fields: dict[str, str] = {}
    _add(fields, "", row)
    return fields


def _add(fields: dict[str, str], name: str, value: _Value) -> None:
    if isinstance(value, dict):
        start = f"{name}." if name else ""
        for key, inner in value.items():
            _add(fields, start + key, inner)
        return
    text = _text(value)
    if text:
        fields[name] = text


def _text(value: _Value) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _as_text(name: str) -> pl.Expr:
    column = pl.col(name)
    if name == "timestamp":
        digits = column.dt.to_string("%Y-%m-%dT%H:%M:%S%.9f").str.strip_chars_end("0").str.strip_chars_end(".")
        return digits + "Z"
    if name == "severity":
        return pl.when(column == 0).then(pl.lit("")).otherwise(column.cast(pl.String))
    quoted = column.list.eval(pl.element().map_elements(_json_text, return_dtype=pl.String))
    return pl.when(column.list.len() == 0).then(pl.lit("")).otherwise("[" + quoted.list.join(",") + "]")


def _json_text(text: str) -> str:
    return msgspec.json.encode(text).decode()
