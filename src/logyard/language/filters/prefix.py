"""``foo*``, ``"foo ba"*``: the text has a word or phrase that begins so."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View
from logyard.language.words import prefix_pattern

__all__ = ["Prefix"]


@component("prefix")
@dataclass(frozen=True, slots=True)
class Prefix(FieldFilter):
    """The beginning, not empty, of a word or phrase."""

    text: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Prefix | None":
        """``foo*``."""
        if parser.at("*"):
            return None
        text = parser.phrase(field)
        return cls(field, text) if parser.star() and text else None

    def __str__(self) -> str:
        """``field:"foo ba"*``."""
        return f"{self.prefix()}{quote_if_needed(self.text)}*"

    def match(self, view: View) -> pl.Series:
        """By one regular expression."""
        return contains(view.text(self.field), prefix_pattern(self.text))
