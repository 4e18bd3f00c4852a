"""``sum(a, b)``: the sum of all values that are numbers; ``NaN`` when none is."""

from dataclasses import dataclass

import polars as pl

from logyard.language.numbers import numbers
from logyard.language.parser import Parser
from logyard.query.expressions import float_text, number
from logyard.query.function import Aggregate, Function, component, read_arguments
from logyard.query.values import float_text as printed

__all__ = ["Sum"]


@component("sum")
@dataclass(frozen=True, slots=True)
class Sum(Function):
    """In 64-bit floating point."""

    @classmethod
    def parse(cls, parser: Parser) -> "Sum":
        """Any fields."""
        return cls(read_arguments(parser))

    def sql(self, at: Aggregate) -> str | None:
        """A sum for each field."""
        cells = self.cells(at.stage)
        if not cells:
            return None
        sums = [at.of("sum", number(cell.text)) for cell in cells]
        if len(sums) == 1:
            return float_text(f"ifNull({sums[0]}, nan)")
        listed = ", ".join(sums)
        return float_text(f"arraySum(x -> ifNull(x, 0), [{listed}]) + if(isNull(coalesce({listed})), nan, 0)")

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        found = [numbers(column).drop_nulls() for column in self.columns(rows)]
        if not any(len(each) for each in found):
            return "NaN"
        return printed(sum(float(each.sum()) for each in found))
