"""``median(a, b)``: the value in the middle."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.function import Aggregate, Function, component, read_arguments
from logyard.query.quantiles import quantile_of, quantile_sql

__all__ = ["Median"]


@component("median")
@dataclass(frozen=True, slots=True)
class Median(Function):
    """``quantile(0.5, ...)``."""

    numeric = False

    @classmethod
    def parse(cls, parser: Parser) -> "Median":
        """Any fields."""
        return cls(read_arguments(parser))

    def sql(self, at: Aggregate) -> str | None:
        """Of a sample, when there are very many values."""
        cells = self.cells(at.stage)
        return quantile_sql(at, cells, 0.5) if cells else None

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        return quantile_of(self.columns(rows), 0.5)
