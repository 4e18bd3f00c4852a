"""``field:lt_field(other)``: the field's value is smaller than the other field's."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.numbers import numbers
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["LtField"]


@component("lt_field", words=("lt_field",))
@dataclass(frozen=True, slots=True)
class LtField(FieldFilter):
    """Two fields: numbers are compared where both are numbers, else texts by their bytes."""

    other: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "LtField | None":
        """The name of the other field."""
        return cls(field, parser.only_field()) if parser.at("(") else None

    def __str__(self) -> str:
        """``field:lt_field(other)``."""
        return f"{self.prefix()}lt_field({quote_if_needed(self.other or '_msg')})"

    def fields(self) -> frozenset[str]:
        """Both."""
        return frozenset({self.field, self.other})

    def match(self, view: View) -> pl.Series:
        """Numbers where both are, else texts."""
        left, right = view.text(self.field), view.text(self.other)
        return (numbers(left) < numbers(right)).fill_null(left < right)
