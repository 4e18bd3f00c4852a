"""``field:contains_all(a, "b c")``: all of these words and phrases are in the value."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from logyard.language.ast import All, Filter, ValuesFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.view import View
from logyard.language.words import phrase_pattern

__all__ = ["ContainsAll"]


@component("contains_all", words=("contains_all",))
@dataclass(frozen=True, slots=True)
class ContainsAll(ValuesFilter):
    """Words and phrases; an empty one is always there."""

    name: ClassVar[str] = "contains_all"

    @classmethod
    def parse(cls, parser: Parser, field: str) -> Filter | None:
        """Values, a query, or ``*``: every record."""
        if not parser.at("("):
            return None
        found = parser.values_or_subquery()
        return All() if found is None else cls(field, *found)

    def match(self, view: View) -> pl.Series:
        """One regular expression after the other."""
        texts = view.text(self.field)
        found = view.constant(value=True)
        for value in filter(None, self.known_values()):
            found = found & contains(texts, phrase_pattern(value))
        return found
