"""``field:eq_field(other)``: two fields have the same value."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["EqField"]


@component("eq_field", words=("eq_field",))
@dataclass(frozen=True, slots=True)
class EqField(FieldFilter):
    """Two fields; both missing is equal, too."""

    other: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "EqField | None":
        """The name of the other field."""
        return cls(field, parser.only_field()) if parser.at("(") else None

    def __str__(self) -> str:
        """``field:eq_field(other)``."""
        return f"{self.prefix()}eq_field({quote_if_needed(self.other or '_msg')})"

    def fields(self) -> frozenset[str]:
        """Both."""
        return frozenset({self.field, self.other})

    def match(self, view: View) -> pl.Series:
        """As texts."""
        return view.text(self.field) == view.text(self.other)
