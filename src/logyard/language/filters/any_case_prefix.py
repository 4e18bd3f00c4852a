"""``i(foo*)``: the text has a word or phrase that begins so, in upper or lower case."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.patterns import contains
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View
from logyard.language.words import prefix_pattern

__all__ = ["AnyCasePrefix"]


@component("any_case_prefix", words=("i",))
@dataclass(frozen=True, slots=True)
class AnyCasePrefix(FieldFilter):
    """The beginning; "" is any value."""

    text: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "AnyCasePrefix | None":
        """``i(foo*)``."""
        if not parser.take("("):
            return None
        text = "" if parser.at("*") else parser.argument()
        if not (parser.star() or (not text and parser.take("*"))):
            return None
        parser.expect(")")
        return cls(field, text)

    def __str__(self) -> str:
        """``field:i(foo*)``."""
        return f"{self.prefix()}i({quote_if_needed(self.text)}*)"

    def match(self, view: View) -> pl.Series:
        """Both sides in lower case."""
        texts = view.text(self.field)
        if not self.text:
            return texts != ""
        return contains(texts.str.to_lowercase(), prefix_pattern(self.text.lower()))
