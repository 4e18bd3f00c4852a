"""``filter user:bob``, or just ``user:bob`` behind a pipe: the rows for which it is true."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.sql import NotInEngine, conditions
from logyard.query.stage import Stage
from logyard.query.table import matching

__all__ = ["FilterPipe"]


@component("filter", "where")
@dataclass(frozen=True, slots=True)
class FilterPipe(Pipe):
    """A filter behind a pipe."""

    filter: Filter

    row_wise = True

    @classmethod
    def parse(cls, parser: Parser) -> "FilterPipe":
        """Any filter."""
        return cls(parser.parse_filter())

    def __str__(self) -> str:
        """``filter user:bob``."""
        return f"filter {self.filter}"

    def sql(self, stage: Stage) -> Stage | None:
        """A further condition, or one around what was counted off."""
        below = stage.nested() if stage.cut else stage
        try:
            return below.having(*conditions(self.filter, below))
        except NotInEngine:
            return None

    def needs(self) -> tuple[str, ...]:
        """Those of the filter."""
        return self.filter_fields()

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """By the filter's own evaluation."""
        return table.filter(matching(table, self.filter))

    def labels(self, labels: Labels) -> Labels:
        """Fewer rows, the same labels."""
        return labels

    def filters(self) -> tuple[Filter, ...]:
        """The one filter."""
        return (self.filter,)

    def with_filters(self, filters: tuple[Filter, ...]) -> "FilterPipe":
        """Another filter."""
        return FilterPipe(*filters)
