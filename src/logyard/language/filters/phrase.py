"""``foo``, ``"foo bar"``: the word or phrase is in the text, and no part of a longer word."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View
from logyard.language.words import phrase_pattern

__all__ = ["Phrase"]


@component("phrase")
@dataclass(frozen=True, slots=True)
class Phrase(FieldFilter):
    """A word or phrase, not empty."""

    text: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Phrase | None":
        """``foo`` without ``*`` behind it."""
        if parser.at("*"):
            return None
        text = parser.phrase(field)
        return None if parser.star() or not text else cls(field, text)

    def __str__(self) -> str:
        """``field:"foo bar"``."""
        return self.prefix() + quote_if_needed(self.text)

    def match(self, view: View) -> pl.Series:
        """By one regular expression."""
        return contains(view.text(self.field), phrase_pattern(self.text))
