"""``values(a, b) limit 10``: all values in the order of the rows, as a JSON array."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.counting import read_count
from logyard.query.expressions import json_array
from logyard.query.function import Aggregate, Function, component, read_arguments
from logyard.query.values import go_json

__all__ = ["Values"]


@component("values")
@dataclass(frozen=True, slots=True)
class Values(Function):
    """Empty values do not count. ``limit`` 0 is none."""

    limit: int = 0

    numeric = False
    ordered = True

    @classmethod
    def parse(cls, parser: Parser) -> "Values":
        """Any fields."""
        fields = read_arguments(parser)
        return cls(fields, read_count(parser, "limit") if parser.take("limit") else 0)

    def __str__(self) -> str:
        """``values(a, b) limit 10``."""
        return Function.__str__(self) + (f" limit {self.limit}" if self.limit else "")

    def sql(self, at: Aggregate) -> str | None:
        """Of all fields, row by row."""
        cells = self.cells(at.stage)
        if not cells:
            return None
        rows = at.of("groupArray", f"[{', '.join(cell.text for cell in cells)}]")
        found = f"arrayFilter(x -> x != '', arrayFlatten({rows}))"
        return json_array(f"arraySlice({found}, 1, {self.limit})" if self.limit else found)

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        table = pl.DataFrame(self.columns(rows))
        found = [text for row in table.rows() for text in row if text]
        return go_json(found[: self.limit] if self.limit else found)
