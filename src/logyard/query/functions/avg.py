"""``avg(a, b)``: the mean of all values that are numbers; ``NaN`` when none is."""

from dataclasses import dataclass

import polars as pl

from logyard.language.numbers import numbers
from logyard.language.parser import Parser
from logyard.query.expressions import float_text, number
from logyard.query.function import Aggregate, Function, component, read_arguments
from logyard.query.values import float_text as printed

__all__ = ["Avg"]


@component("avg")
@dataclass(frozen=True, slots=True)
class Avg(Function):
    """In 64-bit floating point."""

    @classmethod
    def parse(cls, parser: Parser) -> "Avg":
        """Any fields."""
        return cls(read_arguments(parser))

    def sql(self, at: Aggregate) -> str | None:
        """Sums and counts, added up over the fields."""
        cells = self.cells(at.stage)
        if not cells:
            return None
        sizes = [number(cell.text) for cell in cells]
        total = " + ".join(f"ifNull({at.of('sum', size)}, 0)" for size in sizes)
        count = " + ".join(at.of("count", size) for size in sizes)
        return float_text(f"({total}) / ({count})")

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        found = [numbers(column).drop_nulls() for column in self.columns(rows)]
        count = sum(len(each) for each in found)
        return printed(sum(float(each.sum()) for each in found) / count) if count else "NaN"
