"""``field:contains_any(a, "b c")``: at least one of these words or phrases is in the value."""

from dataclasses import dataclass
from typing import ClassVar, Final

import polars as pl

from logyard.language.ast import All, Filter, ValuesFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.view import View
from logyard.language.words import any_phrase_pattern

__all__ = ["ContainsAny"]

_AT_ONCE: Final = 1000
"""Values in one regular expression; more might make it too large."""


@component("contains_any", words=("contains_any",))
@dataclass(frozen=True, slots=True)
class ContainsAny(ValuesFilter):
    """Words and phrases; an empty one is always there; none at all match nothing."""

    name: ClassVar[str] = "contains_any"

    @classmethod
    def parse(cls, parser: Parser, field: str) -> Filter | None:
        """Values, a query, or ``*``: every record."""
        if not parser.at("("):
            return None
        found = parser.values_or_subquery()
        return All() if found is None else cls(field, *found)

    def match(self, view: View) -> pl.Series:
        """By a regular expression for a thousand values at a time."""
        values = self.known_values()
        if "" in values or not values:
            return view.constant(value=bool(values))
        texts = view.text(self.field)
        found = view.constant(value=False)
        for start in range(0, len(values), _AT_ONCE):
            found = found | contains(texts, any_phrase_pattern(values[start : start + _AT_ONCE]))
        return found
