"""``last 3 by (a, b desc)``: the last rows in an order."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.sorting import Sorting, ends_text, read_ends
from logyard.query.stage import Stage

__all__ = ["Last"]


@component("last")
@dataclass(frozen=True, slots=True)
class Last(Pipe):
    """The order is the one written, read from its end; the limit is at least 1."""

    sorting: Sorting

    @classmethod
    def parse(cls, parser: Parser) -> "Last":
        """``[N] [by (...)] [partition by (...)] [rank as r]``; 1 without a number."""
        return cls(read_ends(parser))

    def __str__(self) -> str:
        """``last 3 by (a)``."""
        return f"last {ends_text(self.sorting)}"

    def sql(self, stage: Stage) -> Stage | None:
        """By the engine."""
        return self._order().sql(stage)

    def needs(self) -> tuple[str, ...] | None:
        """What it sorts by and within."""
        return self.sorting.needs()

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In memory."""
        return self._order().table(table)

    def labels(self, labels: Labels) -> Labels:
        """Some of the rows."""
        return labels

    def per_time(self) -> "Last":
        """For a query over a range."""
        return Last(self.sorting.per_time())

    def _order(self) -> Sorting:
        return replace(self.sorting, descending=True)
