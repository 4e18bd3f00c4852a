"""``min(a, b)``: the smallest value; numbers before texts, nothing before both."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.expressions import instant_text, natural_order
from logyard.query.function import Aggregate, Function, component, read_arguments
from logyard.query.values import order

__all__ = ["Min"]


@component("min")
@dataclass(frozen=True, slots=True)
class Min(Function):
    """A value as it was found; "" when there are no rows."""

    numeric = False

    @classmethod
    def parse(cls, parser: Parser) -> "Min":
        """Any fields."""
        return cls(read_arguments(parser))

    def sql(self, at: Aggregate) -> str | None:
        """By the order that ``sort`` has, too."""
        cells = self.cells(at.stage)
        if not cells:
            return None
        if len(cells) == 1 and cells[0].instant:
            return f"if({at.of('count')} = 0, '', {instant_text(at.of('min', cells[0].instant))})"
        if len(cells) == 1:
            return at.of("argMin", cells[0].text, natural_order(cells[0].text))
        texts = ", ".join(cell.text for cell in cells)
        orders = ", ".join(natural_order(cell.text) for cell in cells)
        return at.of("argMinArray", f"[{texts}]", f"[{orders}]")

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory, each different value once."""
        return min((text for column in self.columns(rows) for text in column.unique()), key=order, default="")
