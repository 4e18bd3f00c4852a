"""``quantile(0.9, a, b)``: the value below which nine tenths of the values lie."""

from dataclasses import dataclass

import polars as pl

from logyard.language.numbers import parse_number
from logyard.language.parser import Parser
from logyard.query.function import Aggregate, Function, component
from logyard.query.quantiles import quantile_of, quantile_sql
from logyard.query.wildcards import names_text, read_wildcard

__all__ = ["Quantile"]


@component("quantile")
@dataclass(frozen=True, slots=True)
class Quantile(Function):
    """``phi`` is between 0 and 1, as written."""

    phi: str = "0.5"

    numeric = False

    @classmethod
    def parse(cls, parser: Parser) -> "Quantile":
        """The fraction, then any fields."""
        parser.expect("(")
        at = parser.token
        phi = parser.argument()
        number = parse_number(phi)
        if number is None or not 0 <= number <= 1:
            raise parser.fail("quantile() takes a number between 0 and 1 first", at=at)
        names: list[str] = []
        while parser.take(",") and not parser.at(")"):
            names.append(read_wildcard(parser))
        parser.expect(")")
        return cls(() if "*" in names else tuple(names), phi)

    def __str__(self) -> str:
        """``quantile(0.9, a)``."""
        return f"quantile({self.phi}{', ' if self.fields else ''}{names_text(self.fields)})"

    def sql(self, at: Aggregate) -> str | None:
        """Of a sample, when there are very many values."""
        cells = self.cells(at.stage)
        return quantile_sql(at, cells, float(self.phi)) if cells else None

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        return quantile_of(self.columns(rows), float(self.phi))
