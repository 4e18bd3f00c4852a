"""``field:""``: the field is missing or empty."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.view import View

__all__ = ["EmptyValue"]


@component("empty_value")
@dataclass(frozen=True, slots=True)
class EmptyValue(FieldFilter):
    """No value: a missing field and an empty one are the same."""

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "EmptyValue | None":
        """An empty phrase."""
        if parser.at("*"):
            return None
        return cls(field) if not parser.phrase(field) and not parser.star() else None

    def __str__(self) -> str:
        """``field:""``."""
        return f'{self.prefix()}""'

    def match(self, view: View) -> pl.Series:
        """Equal to nothing."""
        return view.text(self.field) == ""
