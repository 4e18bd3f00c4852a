"""The pipes that the engine does not do: tables through them, rows out of them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Final

import msgspec
import polars as pl

from logyard.errors import QueryTooLarge
from logyard.model.dialect import Dialect
from logyard.query.names import ALIASES
from logyard.query.pipe import Pipe
from logyard.query.rows import Row
from logyard.query.table import from_rows
from logyard.types import Json

__all__ = ["as_table", "through"]

_MOST: Final = 1_000_000
"""Rows that a pipe may be given at once."""
_CHUNK: Final = 2048
"""Rows of a chunk that comes out."""


async def through(
    tables: AsyncIterator[pl.DataFrame], pipes: Sequence[Pipe], dialect: Dialect
) -> AsyncIterator[list[Row]]:
    """Rows in chunks. As far as each row stands by itself the tables go one by one, from there on all at once.

    Raises ``QueryTooLarge`` when there are too many rows to hold.
    """
    aliases = ALIASES if dialect is Dialect.NATIVE else {}
    alone = list(takewhile(lambda pipe: pipe.row_wise, pipes))
    together = pipes[len(alone) :]
    kept: list[pl.DataFrame] = []
    async for table in tables:
        changed = _piped(table, alone)
        if not together:
            yield _rows(changed, aliases)
            continue
        kept.append(changed)
        if sum(each.height for each in kept) > _MOST:
            raise QueryTooLarge(f"'{together[0]}' would have to hold more than {_MOST} rows in memory")
    if not together:
        return
    rows = _rows(_piped(pl.concat(kept, how="diagonal").fill_null("") if kept else pl.DataFrame(), together), aliases)
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def as_table(rows: Iterable[Row]) -> pl.DataFrame:
    """Rows as a table of texts."""
    return from_rows({name: _text(value) for name, value in row.items()} for row in rows)


def _piped(table: pl.DataFrame, pipes: Sequence[Pipe]) -> pl.DataFrame:
    for pipe in pipes:
        table = pipe.table(table)
    return table


def _rows(table: pl.DataFrame, aliases: Mapping[str, str]) -> list[Row]:
    """Fields without a value are left out, and rows without fields; of two names for one field, ours is shown."""
    names = [aliases.get(name, name) for name in table.columns]
    found = ({name: value for name, value in zip(names, row, strict=True) if value} for row in table.rows())
    return [dict(row) for row in found if row]


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
