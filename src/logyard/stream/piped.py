"""Row-by-row pipes on rendered rows: the same for what comes live and for what was stored.

Pipes see texts only. A value that a pipe leaves as it is, or moves to another name, keeps its JSON type.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadQuery
from logyard.query.pipe import Pipe
from logyard.query.table import from_rows
from logyard.stream.chunk import Chunk
from logyard.stream.rows import Row
from logyard.types import LogId

__all__ = ["piped", "rendered"]

_ROW: Final = "\0row"
"""A column that no record has: where in the input a row stood."""
_ENCODE: Final = msgspec.json.Encoder().encode
_QUOTE: Final = ord('"')


def piped(pipes: Sequence[Pipe], rows: Sequence[Mapping[str, object]]) -> Iterator[tuple[int, Row]]:
    """What the pipes make of the rows, each with the index of the row it was made of."""
    if not pipes:
        yield from ((place, dict(row)) for place, row in enumerate(rows))
        return
    texts = [{name: _text(value) for name, value in row.items()} for row in rows]
    table = from_rows(texts).with_columns(_numbers(range(len(rows))))
    for pipe in pipes:
        table = _through(pipe, table)
    places = [int(place) for place in table[_ROW]]
    table = table.drop(_ROW)
    for place, made in zip(places, table.iter_rows(named=True), strict=True):
        row = _typed(made, rows[place], texts[place])
        if row:
            yield place, row


def rendered(pipes: Sequence[Pipe], ids: Sequence[LogId], rows: Sequence[Mapping[str, object]]) -> Chunk:
    """What the pipes make of the rows, as JSON."""
    made = list(piped(pipes, rows))
    return Chunk(ids=[ids[place] for place, _ in made], lines=[_line(row) for _, row in made])


def _line(row: Row) -> bytes:
    """One line of JSON. Raw values may hold line breaks, which are nothing but white space outside of
    strings.
    """
    return _ENCODE(row).replace(b"\r", b" ").replace(b"\n", b" ")


def _through(pipe: Pipe, table: pl.DataFrame) -> pl.DataFrame:
    """A pipe drops rows or columns, never both: so each row is found again."""
    places = table[_ROW]
    made = pipe.table(table.drop(_ROW))
    if made.height == table.height:
        return made.with_columns(places)
    # Only now the pipe is shown our column, which a wildcard might have taken for a field.
    made = pipe.table(table)
    if _ROW not in made.columns:
        raise BadQuery(f"a live tail cannot go through '| {pipe}'")
    return made


def _numbers(places: Sequence[int]) -> pl.Series:
    return pl.Series(_ROW, [str(place) for place in places], dtype=pl.String)


def _text(value: object) -> str:
    """How a pipe sees a value: texts without quotes, nothing for null, JSON for the rest."""
    if isinstance(value, str):
        return value
    raw = bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
    if raw[0] == _QUOTE:
        return msgspec.json.decode(raw, type=str)
    return "" if raw == b"null" else raw.decode()


def _typed(made: Mapping[str, str], row: Mapping[str, object], texts: Mapping[str, str]) -> Row:
    """The made row with the types of the row it was made of; empty texts are left out."""
    moved = {texts[name]: value for name, value in row.items() if not isinstance(value, str)}
    return {
        name: row[name] if texts.get(name) == text else moved.get(text, text) for name, text in made.items() if text
    }
