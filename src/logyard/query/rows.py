"""Rows out of the engine: which columns to ask for, and what a row of the answer means in a dialect.

NATIVE: one flat object a row: id, timestamp, level, service ... message, then the attributes under dotted names
with their JSON types; columns without a value are left out. VICTORIA: texts only, fields without a value left
out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import msgspec
import polars as pl

from logyard.model import origin
from logyard.model.timestamp import format_ns
from logyard.query.names import GIVEN, VICTORIA_ID
from logyard.query.stage import Cell, Stage
from logyard.types import Json, LogId

__all__ = ["Reader", "Row", "native_reader", "stored_text", "stored_value", "table_reader", "victoria_reader"]

Row = dict[str, Json]

_SHOWN: Final = (
    "id", "timestamp", "level", "service", "host", "source", "message", "trace_id", "span_id", "correlation_id", "tags",
)  # fmt: skip
"""Columns of ours that a row shows without being asked."""
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORDS: Final[Mapping[str, Json]] = {"true": True, "false": False, "null": None}
_STREAM_ID: Final = "lower(hex(sipHash128(stream)))"


class Reader(Protocol):
    """A list of columns, and how to read them."""

    @property
    def columns(self) -> str:
        """For SELECT."""
        ...

    def rows(self, frame: pl.DataFrame) -> Iterator[Row]:
        """The rows of an answer."""
        ...


class TableReader(Protocol):
    """A list of columns, and how to make them a table of texts."""

    @property
    def columns(self) -> str:
        """For SELECT."""
        ...

    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The table of an answer: columns are fields."""
        ...


def stored_value(text: str) -> Json:
    """An attribute as stored, as JSON."""
    if text[:1] in {'"', "[", "{"}:
        return _decoded(text)
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if _NUMBER.fullmatch(text) else text


def stored_text(text: str) -> str:
    """An attribute as stored, as text."""
    if text.startswith('"'):
        return str(_decoded(text))
    return "" if text == "null" else text


@dataclass(frozen=True, slots=True)
class _Closed:
    """Fields that are known by name."""

    columns: str
    readers: tuple[tuple[str, Callable[[str], Json]], ...]

    def rows(self, frame: pl.DataFrame) -> Iterator[Row]:
        readers = self.readers
        for values in frame.rows():
            row = {name: read(value) for (name, read), value in zip(readers, values, strict=False) if value}
            if row:
                yield row

    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        columns = [
            column.alias(name) if read is _same else pl.Series(name, list(map(read, column)), dtype=pl.String)
            for (name, read), column in zip(self.readers, frame, strict=False)
        ]
        return pl.DataFrame(columns).cast(pl.String) if columns else frame.select(pl.lit("").alias(""))


@dataclass(frozen=True, slots=True)
class _Native:
    """Stored records under our own names."""

    columns: str
    shown: tuple[str, ...]
    overrides: _Closed
    visible: Callable[[str], bool]
    show_id: Callable[[LogId], str]

    def rows(self, frame: pl.DataFrame) -> Iterator[Row]:
        over = len(self.overrides.readers)
        for values in frame.rows():
            row = self._columns(values)
            keys, texts = values[len(self.shown) : len(self.shown) + 2]
            for key, text in zip(keys, texts, strict=True):
                if key not in row and self.visible(key):
                    row[key] = stored_value(text)
            if over:
                self._override(row, values[-over:])
            if row:
                yield row

    def _columns(self, values: tuple[object, ...]) -> Row:
        row: Row = {}
        for name, value in zip(self.shown, values, strict=False):
            if name == "id":
                row[name] = self.show_id(LogId(int(str(value))))
            elif name == "timestamp":
                row[name] = format_ns(int(str(value)))
            elif name == "tags" and isinstance(value, list):
                row.update({name: value} if value else {})
            elif value:
                row[name] = str(value)
        return row

    def _override(self, row: Row, values: tuple[str, ...]) -> None:
        for (name, read), value in zip(self.overrides.readers, values, strict=True):
            row.pop(name, None)
            if value:
                row[name] = read(value)


@dataclass(frozen=True, slots=True)
class _Victoria:
    """Stored records under the sender's keys."""

    columns: str
    overrides: _Closed
    visible: Callable[[str], bool]
    show_id: Callable[[LogId], str] | None = None

    def rows(self, frame: pl.DataFrame) -> Iterator[Row]:
        over = len(self.overrides.readers)
        for values in frame.rows():
            row = {name: text for name, text in self._fields(values) if text and self.visible(name)}
            if over:
                for (name, read), value in zip(self.overrides.readers, values[-over:], strict=True):
                    row.pop(name, None)
                    row.update({name: str(read(value))} if value else {})
            if row:
                yield dict(row)

    def _fields(self, values: tuple[object, ...]) -> Iterator[tuple[str, str]]:
        number, time, stream, stream_id, message, source, keys, texts, level_text, *given = values
        if self.show_id is not None:
            yield VICTORIA_ID, self.show_id(LogId(int(str(number))))
        yield "_time", format_ns(int(str(time)))
        yield "_stream_id", str(stream_id)
        yield "_stream", str(stream)
        yield "_msg", str(message)
        named = _parsed(str(source))
        for column, value in zip(GIVEN, given, strict=False):
            key = named.get(column, column)
            if key:
                yield key, str(level_text if column == "level" and level_text else value)
        if isinstance(keys, list) and isinstance(texts, list):
            yield from zip(keys, map(stored_text, texts), strict=True)


_ATTRIBUTES: Final = "CAST(mapKeys(attributes), 'Array(String)') AS keys, mapValues(attributes) AS texts"
_NO_ATTRIBUTES: Final = "CAST([], 'Array(String)') AS keys, CAST([], 'Array(String)') AS texts"


def native_reader(stage: Stage, show_id: Callable[[LogId], str]) -> Reader:
    """Rows in the native dialect. ``show_id`` gives the text of an id."""
    if not stage.open:
        return _closed(stage, lambda cell: _native_value(cell, show_id))
    shown = tuple(name for name in _SHOWN if stage.visible(name) and name not in stage.cells)
    overrides = _closed(stage, lambda cell: _native_value(cell, show_id))
    listed = [_native_column(name) for name in shown]
    listed.append(_ATTRIBUTES)
    columns = ", ".join([*listed, *([overrides.columns] if overrides.readers else [])])
    return _Native(columns, shown, overrides, stage.visible, show_id)


def victoria_reader(stage: Stage, show_id: Callable[[LogId], str] | None = None) -> Reader:
    """Rows in the Victoria dialect. With ``show_id`` stored records bring their id, as ``_id``."""
    overrides = _closed(stage, lambda _cell: _same)
    if not stage.open:
        return overrides
    given = ", ".join(f"toString({name})" for name in GIVEN)
    fixed = (
        "id, toUnixTimestamp64Nano(timestamp), toString(stream), "
        f"concat('0000000000000000', {_STREAM_ID}), message, toString(origin), {_ATTRIBUTES}, "
        f"toString(level_text), {given}"
    )
    columns = f"{fixed}, {overrides.columns}" if overrides.readers else fixed
    return _Victoria(columns, overrides, stage.visible, show_id)


def table_reader(stage: Stage, show_id: Callable[[LogId], str]) -> TableReader:
    """Tables of texts, for pipes in memory, of a stage whose fields are all known by name."""
    return _closed(stage, lambda cell: _shown_id(show_id) if cell.text == "toString(id)" else _same)


def _closed(stage: Stage, read: Callable[[Cell], Callable[[str], Json]]) -> _Closed:
    listed: list[str] = []
    readers: list[tuple[str, Callable[[str], Json]]] = []
    for name, cell in stage.cells.items():
        value = read(cell)
        typed = value is stored_value and cell.json
        listed.append(f"toString({cell.json if typed else cell.text}) AS c{len(listed)}_")
        readers.append((name, value))
    return _Closed(", ".join(listed) or "1", tuple(readers))


def _native_value(cell: Cell, show_id: Callable[[LogId], str]) -> Callable[[str], Json]:
    if cell.text == "toString(id)":
        return _shown_id(show_id)
    return stored_value if cell.json or cell.numeric else _same


def _shown_id(show_id: Callable[[LogId], str]) -> Callable[[str], str]:
    return lambda text: show_id(LogId(int(text)))


def _same(text: str) -> str:
    return text


def _native_column(name: str) -> str:
    special = {"timestamp": "toUnixTimestamp64Nano(timestamp)", "tags": "CAST(tags, 'Array(String)')", "id": "id"}
    return special.get(name, f"toString({name})")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Mapping[str, str]:
    return origin.parse(text)


def _decoded(text: str) -> Json:
    try:
        found: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return found


def _number(text: str) -> Json:
    """Beyond what JSON readers hold, the text says more."""
    value = _decoded(text)
    return value if isinstance(value, int | float) and abs(value) != float("inf") else text
