"""New values for fields: ``if (filter)``, ``keep_original_fields`` and ``skip_empty_results`` of many pipes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.query.table import matching, text, with_texts

__all__ = ["REPLACE", "Filling", "read_condition", "read_filling"]


@dataclass(frozen=True, slots=True)
class Filling:
    """Which of a field's old and new values stays: never both words."""

    keep_original: bool = False
    """An old value that is not empty stays."""
    skip_empty: bool = False
    """A new value that is empty does not replace the old one."""

    def __str__(self) -> str:
        """The words, with a space in front."""
        if self.keep_original:
            return " keep_original_fields"
        return " skip_empty_results" if self.skip_empty else ""

    def sql(self, old: str, new: str, chosen: str = "") -> str:
        """The value in the engine; ``chosen`` is a condition, "" for all rows."""
        if self.keep_original:
            new = f"if({old} != '', {old}, {new})"
        if self.skip_empty:
            new = f"if({new} != '', {new}, {old})"
        return f"if({chosen}, {new}, {old})" if chosen else new

    def fill(self, table: pl.DataFrame, values: Mapping[str, pl.Series], chosen: Filter | None = None) -> pl.DataFrame:
        """The table with the values in the rows for which ``chosen`` is true."""
        if not values:
            return table
        mask = None if chosen is None else matching(table, chosen)
        return with_texts(table, {name: self._merged(text(table, name), new, mask) for name, new in values.items()})

    def _merged(self, old: pl.Series, new: pl.Series, mask: pl.Series | None) -> pl.Series:
        if self.keep_original:
            new = old.zip_with(old != "", new)
        if self.skip_empty:
            new = new.zip_with(new != "", old)
        return new if mask is None else new.zip_with(mask, old)


REPLACE: Final = Filling()
"""New values take the place of old ones."""


def read_condition(parser: Parser) -> Filter | None:
    """``if (filter)``, or nothing."""
    if not parser.take("if"):
        return None
    parser.expect("(")
    found = parser.parse_filter()
    parser.expect(")")
    return found


def read_filling(parser: Parser) -> Filling:
    """One of the two words, or none."""
    if parser.take("keep_original_fields"):
        return Filling(keep_original=True)
    return Filling(skip_empty=parser.take("skip_empty_results"))
