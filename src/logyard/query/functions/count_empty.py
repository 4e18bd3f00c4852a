"""``count_empty(a, b)``: how many rows have none of the fields."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.function import Aggregate, Function, component, read_arguments

__all__ = ["CountEmpty"]


@component("count_empty")
@dataclass(frozen=True, slots=True)
class CountEmpty(Function):
    """Rows."""

    @classmethod
    def parse(cls, parser: Parser) -> "CountEmpty":
        """Any fields."""
        return cls(read_arguments(parser))

    def __str__(self) -> str:
        """``count_empty(*)`` without fields."""
        return Function.__str__(self) if self.fields else "count_empty(*)"

    def sql(self, at: Aggregate) -> str | None:
        """By a sum of conditions."""
        cells = self.cells(at.stage)
        if cells is None:
            return None
        empty = " AND ".join(f"{cell.text} = ''" for cell in cells) or "1"
        return f"toString({at.of('sum', f'toUInt64({empty})')})"

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        empty = [column == "" for column in self.columns(rows)]
        return str(int(pl.DataFrame(empty).min_horizontal().sum())) if empty and rows.height else "0"
