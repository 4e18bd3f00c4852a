"""Quantiles of values that are text: the value at a place of the sorted list, missing ones among them."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from logyard.query.expressions import bound, natural_order
from logyard.query.function import Aggregate
from logyard.query.stage import Cell
from logyard.query.values import natural_columns

__all__ = ["quantile_of", "quantile_sql"]

_SAMPLE: Final = 100_000
"""Values of a group that are looked at; of more, a random choice."""


def quantile_sql(at: Aggregate, cells: Sequence[Cell], phi: float) -> str:
    """An aggregate expression."""
    if len(cells) == 1:
        values = at.of(f"groupArraySample({_SAMPLE})", cells[0].text)
    else:
        listed = ", ".join(cell.text for cell in cells)
        values = f"arrayFlatten({at.of(f'groupArraySample({_SAMPLE // len(cells)})', f'[{listed}]')})"
    ordered = f"arraySort(x -> {natural_order('x')}, {values})"
    return bound("v", ordered, f"if(empty(v), '', v[least(toUInt64({phi!r} * length(v)) + 1, length(v))])")


def quantile_of(columns: Sequence[pl.Series], phi: float) -> str:
    """The same in memory."""
    values = pl.concat([column.alias("value") for column in columns]) if columns else pl.Series("value", [], pl.String)
    if not len(values):
        return ""
    ordered = values.to_frame().sort(natural_columns("value"))["value"]
    return str(ordered[min(int(phi * len(ordered)), len(ordered) - 1)])
