"""``uniq_values(a, b) limit 10``: the different values in order, as a JSON array."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.counting import read_count
from logyard.query.expressions import json_array, natural_order
from logyard.query.function import Aggregate, Function, component, read_arguments
from logyard.query.values import go_json, order

__all__ = ["UniqValues"]


@component("uniq_values")
@dataclass(frozen=True, slots=True)
class UniqValues(Function):
    """Empty values do not count. ``limit`` 0 is none."""

    limit: int = 0

    numeric = False

    @classmethod
    def parse(cls, parser: Parser) -> "UniqValues":
        """Any fields."""
        fields = read_arguments(parser)
        return cls(fields, read_count(parser, "limit") if parser.take("limit") else 0)

    def __str__(self) -> str:
        """``uniq_values(a, b) limit 10``."""
        return Function.__str__(self) + (f" limit {self.limit}" if self.limit else "")

    def sql(self, at: Aggregate) -> str | None:
        """Of all fields together."""
        cells = self.cells(at.stage)
        if not cells:
            return None
        found = at.of("groupUniqArrayArray", f"[{', '.join(cell.text for cell in cells)}]")
        ordered = f"arraySort(x -> {natural_order('x')}, arrayFilter(x -> x != '', {found}))"
        return json_array(f"arraySlice({ordered}, 1, {self.limit})" if self.limit else ordered)

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        found = {text for column in self.columns(rows) for text in column.unique() if text}
        ordered = sorted(found, key=order)
        return go_json(ordered[: self.limit] if self.limit else ordered)
