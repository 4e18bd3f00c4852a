"""``field:="foo b"*``, ``exact(foo*)``: the value begins with this text."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["ExactPrefix"]


@component("exact_prefix", words=("=", "exact"))
@dataclass(frozen=True, slots=True)
class ExactPrefix(FieldFilter):
    """The beginning of the value; "" begins every value, a missing one too."""

    text: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "ExactPrefix | None":
        """``=foo*`` or ``exact(foo*)``."""
        word = parser.previous is not None and parser.previous.keyword == "exact"
        if word and not parser.take("("):
            return None
        text = "" if parser.at("*") else parser.argument()
        if not (parser.star() or (not text and parser.take("*"))):
            return None
        if word:
            parser.expect(")")
        return cls(field, text)

    def __str__(self) -> str:
        """``field:="foo b"*``."""
        return f"{self.prefix()}={quote_if_needed(self.text)}*"

    def match(self, view: View) -> pl.Series:
        """By its first characters."""
        return view.text(self.field).str.starts_with(self.text)
