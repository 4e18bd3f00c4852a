"""What the fields of stored records are called: our own names, or those that VictoriaLogs would use.

``language/frame.py`` says the same for frames in memory; a property test holds the two equal.

A key of the sender's that filled a column (``lvl``, ``msg``; see ``model/origin.py``) answers with that column.
Only keys of the default reading are looked for: they are what nearly all senders use, and each costs a test a
row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from logyard.model.dialect import Dialect
from logyard.model.reading import DEFAULT_READING
from logyard.model.schema import KEYED_COLUMNS
from logyard.query.expressions import instant_text, literal, text_of_attribute
from logyard.query.stage import Cell, Names

__all__ = ["ALIASES", "GIVEN", "NATIVE_COLUMNS", "VICTORIA_ID", "names_of"]

NATIVE_COLUMNS: Final = (
    "id", "timestamp", "observed", "level", "severity", "level_text", "service", "host", "source", "stream", "message",
    "trace_id", "span_id", "correlation_id", "tags",
)  # fmt: skip
"""Columns that the native dialect shows under their own names."""

ALIASES: Final[Mapping[str, str]] = {"_msg": "message", "_time": "timestamp", "_stream": "stream"}
"""Names of the language for columns of ours."""

VICTORIA_ID: Final = "_id"
"""Our id in the Victoria dialect, for those who know of it."""

GIVEN: Final = tuple(column for column in KEYED_COLUMNS if column not in {"timestamp", "message"})
"""Columns that the Victoria dialect shows under the sender's key."""

_LEVEL_AS_GIVEN: Final = "if(level_text = '', level, level_text)"
_STREAM_ID: Final = "concat('0000000000000000', lower(hex(sipHash128(stream))))"


@dataclass(frozen=True, slots=True)
class NativeNames:
    """Our own names; ``_msg``, ``_time`` and ``_stream`` are aliases; any other name is an attribute."""

    def cell(self, name: str) -> Cell:
        """Any field, by its name."""
        column = ALIASES.get(name, name)
        if column in NATIVE_COLUMNS or column == "_stream_id":
            own = _column(column)
            return Cell(_chosen(column, own.text, as_given=False)) if column in _keys() else own
        return _attribute(name, as_given=False)

    def columns(self) -> tuple[str, ...]:
        """All but the attributes."""
        return NATIVE_COLUMNS


@dataclass(frozen=True, slots=True)
class VictoriaNames:
    """The sender's keys, and ``_msg``, ``_time``, ``_stream`` and ``_stream_id``."""

    def cell(self, name: str) -> Cell:
        """Any field, by its name."""
        if name in ALIASES or name in {"tags", "_stream_id", VICTORIA_ID}:
            return _column(ALIASES.get(name, name))
        if name not in GIVEN:
            return _attribute(name, as_given=True)
        other, plain = f"position(origin, {literal(f',{name}=')}) > 0", _attribute(name, as_given=True)
        return Cell(f"if({other}, {plain.text}, {_given(name)})")

    def columns(self) -> tuple[str, ...]:
        """All but the attributes."""
        return (*ALIASES, "_stream_id", *GIVEN, "tags")


@cache
def names_of(dialect: Dialect) -> Names:
    """The names of a dialect."""
    return NativeNames() if dialect is Dialect.NATIVE else VictoriaNames()


def _column(name: str) -> Cell:
    if name in {"timestamp", "observed"}:
        return Cell(instant_text(name), instant=name)
    if name == "severity":
        return Cell("if(severity = 0, '', toString(severity))", json="if(severity = 0, '', toString(severity))")
    if name in {"id", VICTORIA_ID}:
        return Cell("toString(id)", json="toString(id)", whole="id")
    if name == "tags":
        return Cell("if(empty(tags), '', toJSONString(tags))", json="if(empty(tags), '', toJSONString(tags))")
    return Cell(_STREAM_ID if name == "_stream_id" else name)


def _given(column: str) -> str:
    return _LEVEL_AS_GIVEN if column == "level" else column


@cache
def _keys() -> Mapping[str, tuple[str, ...]]:
    """For each key of a sender's that is no column's name: the columns it may have filled."""
    found: dict[str, tuple[str, ...]] = {}
    for column in KEYED_COLUMNS:
        for key in getattr(DEFAULT_READING, column):
            if key != column:
                found[key] = (*found.get(key, ()), column)
    return found


def _attribute(name: str, *, as_given: bool) -> Cell:
    text = text_of_attribute(name)
    if name not in _keys():
        return Cell(text, json=f"attributes[{literal(name)}]", attribute=name)
    return Cell(_chosen(name, text, as_given=as_given))


def _chosen(name: str, otherwise: str, *, as_given: bool) -> str:
    """The column that a sender's key filled, where it did."""
    choices = ", ".join(
        f"position(origin, {literal(f',{column}={name},')}) > 0, {_text(column, as_given=as_given)}"
        for column in _keys()[name]
    )
    return f"multiIf({choices}, {otherwise})"


def _text(column: str, *, as_given: bool) -> str:
    if column == "timestamp":
        return instant_text("timestamp")
    return _given(column) if as_given else column
