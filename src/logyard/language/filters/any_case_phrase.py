"""``i(foo)``: the word or phrase is in the text, in upper or lower case."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View
from logyard.language.words import phrase_pattern

__all__ = ["AnyCasePhrase"]


@component("any_case_phrase", words=("i",))
@dataclass(frozen=True, slots=True)
class AnyCasePhrase(FieldFilter):
    """The phrase; "" is an empty value."""

    text: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "AnyCasePhrase | None":
        """``i(foo)``."""
        if not parser.take("(") or parser.at("*"):
            return None
        text = parser.argument()
        if parser.star():
            return None
        parser.expect(")")
        return cls(field, text)

    def __str__(self) -> str:
        """``field:i(foo)``."""
        return f"{self.prefix()}i({quote_if_needed(self.text)})"

    def match(self, view: View) -> pl.Series:
        """Both sides in lower case."""
        texts = view.text(self.field)
        if not self.text:
            return texts == ""
        return contains(texts.str.to_lowercase(), phrase_pattern(self.text.lower()))
