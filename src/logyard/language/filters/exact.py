"""``field:="foo bar"``, ``exact(foo)``: the whole value is this text."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["Exact"]


@component("exact", words=("=", "exact"))
@dataclass(frozen=True, slots=True)
class Exact(FieldFilter):
    """One value; "" is a missing field."""

    text: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Exact | None":
        """``=foo`` or ``exact(foo)``, without ``*`` behind the value."""
        word = parser.previous is not None and parser.previous.keyword == "exact"
        if word and not parser.take("("):
            return None
        if parser.at("*"):
            return None
        text = parser.argument()
        if parser.star():
            return None
        if word:
            parser.expect(")")
        return cls(field, text)

    def __str__(self) -> str:
        """``field:=foo``."""
        return f"{self.prefix()}={quote_if_needed(self.text)}"

    def match(self, view: View) -> pl.Series:
        """Equal."""
        return view.text(self.field) == self.text
