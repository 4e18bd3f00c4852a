"""``field:seq(foo, "bar baz")``: the phrases are in the text, one after the other."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View
from logyard.language.words import sequence_pattern

__all__ = ["Seq"]


@component("seq", words=("seq",))
@dataclass(frozen=True, slots=True)
class Seq(FieldFilter):
    """The phrases in their order; empty ones are always there."""

    phrases: tuple[str, ...]

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Seq | None":
        """Any number of phrases."""
        return cls(field, parser.arguments()) if parser.at("(") else None

    def __str__(self) -> str:
        """``field:seq(foo,"bar baz")``."""
        return f"{self.prefix()}seq({','.join(map(quote_if_needed, self.phrases))})"

    def match(self, view: View) -> pl.Series:
        """By one regular expression."""
        phrases = [phrase for phrase in self.phrases if phrase]
        if not phrases:
            return view.constant(value=True)
        return contains(view.text(self.field), sequence_pattern(phrases))
