"""``count()``: how many rows; ``count(a, b)``: how many with a value in one of the fields."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.function import Aggregate, Function, component, read_arguments

__all__ = ["Count"]


@component("count")
@dataclass(frozen=True, slots=True)
class Count(Function):
    """Rows."""

    @classmethod
    def parse(cls, parser: Parser) -> "Count":
        """Any fields."""
        return cls(read_arguments(parser))

    def __str__(self) -> str:
        """``count(*)`` without fields."""
        return Function.__str__(self) if self.fields else "count(*)"

    @property
    def counts_rows(self) -> bool:
        """Without fields."""
        return not self.fields

    def sql(self, at: Aggregate) -> str | None:
        """The engine's own."""
        if not self.fields:
            return f"toString({at.of('count')})"
        cells = self.cells(at.stage)
        if cells is None:
            return None
        filled = " OR ".join(f"{cell.text} != ''" for cell in cells) or "0"
        return f"toString({at.of('sum', f'toUInt64({filled})')})"

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        if not self.fields:
            return str(rows.height)
        filled = [column != "" for column in self.columns(rows)]
        return str(int(pl.DataFrame(filled).max_horizontal().sum())) if filled and rows.height else "0"
