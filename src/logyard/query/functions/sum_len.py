"""``sum_len(a, b)``: the bytes of all values together."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.function import Aggregate, Function, component, read_arguments

__all__ = ["SumLen"]


@component("sum_len")
@dataclass(frozen=True, slots=True)
class SumLen(Function):
    """Bytes in UTF-8."""

    @classmethod
    def parse(cls, parser: Parser) -> "SumLen":
        """Any fields."""
        return cls(read_arguments(parser))

    def sql(self, at: Aggregate) -> str | None:
        """One sum over all fields."""
        cells = self.cells(at.stage)
        if cells is None:
            return None
        length = " + ".join(f"length({cell.text})" for cell in cells) or "0"
        return f"toString({at.of('sum', f'toUInt64({length})')})"

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        return str(sum(int(column.str.len_bytes().sum()) for column in self.columns(rows)))
