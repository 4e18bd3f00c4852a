"""``field:*``: the field has a value. ``*`` without a field is every record."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import All, FieldFilter, Filter, component
from logyard.language.parser import Parser
from logyard.language.view import View

__all__ = ["AnyValue"]


@component("any_value")
@dataclass(frozen=True, slots=True)
class AnyValue(FieldFilter):
    """Any value; the field is not the message."""

    @classmethod
    def parse(cls, parser: Parser, field: str) -> Filter | None:
        """``*``, or an empty prefix."""
        if not parser.take("*") and (parser.phrase(field) or not parser.star()):
            return None
        return cls(field) if field else All()

    def __str__(self) -> str:
        """``field:*``."""
        return f"{self.prefix()}*"

    def match(self, view: View) -> pl.Series:
        """Not empty."""
        return view.text(self.field) != ""
