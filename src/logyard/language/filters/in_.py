"""``field:in(a, b)``, ``field:in(error | fields user)``: the whole value is one of these."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from logyard.language.ast import All, Filter, ValuesFilter, component
from logyard.language.parser import Parser
from logyard.language.view import View

__all__ = ["In"]


@component("in", words=("in",))
@dataclass(frozen=True, slots=True)
class In(ValuesFilter):
    """Whole values; none match nothing."""

    name: ClassVar[str] = "in"

    @classmethod
    def parse(cls, parser: Parser, field: str) -> Filter | None:
        """Values, a query, or ``*``: every record."""
        if not parser.at("("):
            return None
        found = parser.values_or_subquery()
        return All() if found is None else cls(field, *found)

    def match(self, view: View) -> pl.Series:
        """One look-up a record."""
        return view.text(self.field).is_in(pl.Series(self.known_values(), dtype=pl.String).implode())
