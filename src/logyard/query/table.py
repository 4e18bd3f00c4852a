"""Rows in memory: a Polars frame whose columns are fields, all String, "" for nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from logyard.language.ast import Filter
from logyard.language.view import View

__all__ = ["HITS", "distinct", "from_rows", "groups", "matching", "row_numbers", "text", "with_texts"]

_TWINS: Final = {
    "_msg": "message", "_time": "timestamp", "_stream": "stream",
    "message": "_msg", "timestamp": "_time", "stream": "_stream",
}  # fmt: skip
"""Two names for one field, of which a table has one."""


HITS: Final = "\0hits"
"""A column that no field can be called."""


def text(table: pl.DataFrame, name: str) -> pl.Series:
    """A field's values; "" where there are none."""
    for found in (name or "_msg", _TWINS.get(name or "_msg", "")):
        if found in table.columns:
            return table[found].fill_null("").alias(name)
    return pl.repeat("", table.height, dtype=pl.String, eager=True).alias(name)


def with_texts(table: pl.DataFrame, columns: Mapping[str, pl.Series | Sequence[str]]) -> pl.DataFrame:
    """The table with further or other fields."""
    made = [pl.Series(name, list(values), dtype=pl.String) for name, values in columns.items()]
    return table.with_columns(made) if table.width else pl.DataFrame(made)


def matching(table: pl.DataFrame, filter_: Filter) -> pl.Series:
    """For each row, whether the filter is true of it."""
    missing = [
        name for name in ("_msg", "_time", "_stream") if name not in table.columns and _TWINS[name] in table.columns
    ]
    return filter_.match(View.of_table(table.with_columns([text(table, name) for name in missing])))


def from_rows(rows: Iterable[Mapping[str, str]]) -> pl.DataFrame:
    """A table of rows as mappings; columns in the order in which they first occur."""
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    columns = {name: [row.get(name, "") for row in listed] for name in names}
    if not columns and listed:
        return pl.DataFrame({"": [""] * len(listed)}, schema={"": pl.String})
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))


def distinct(table: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """One row for each different combination of the fields (at least one), in order of appearance; ``HITS``
    counts them.
    """
    picked = pl.DataFrame([text(table, name) for name in dict.fromkeys(fields)])
    return picked.group_by(picked.columns, maintain_order=True).agg(pl.len().cast(pl.String).alias(HITS))


def groups(table: pl.DataFrame, keys: Sequence[pl.Series]) -> Iterator[tuple[tuple[str, ...], pl.DataFrame]]:
    """The rows that agree in the keys, group by group, in order of appearance."""
    if not keys:
        yield (), table
        return
    names = [f"\0key{index}" for index in range(len(keys))]
    marked = table.with_columns([key.alias(name) for key, name in zip(keys, names, strict=True)])
    for values, rows in marked.group_by(names, maintain_order=True):
        yield tuple(str(value) for value in values), rows.drop(names)


def row_numbers(table: pl.DataFrame, name: str, *, start: int = 1) -> pl.DataFrame:
    """With the field ``name`` that counts the rows."""
    return with_texts(table, {name: [str(start + index) for index in range(table.height)]})
