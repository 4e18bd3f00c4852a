"""``limit 10``: the first so many rows."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.errors import BadQuery
from logyard.language.parser import Parser
from logyard.query.counting import read_count
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.stage import Stage

__all__ = ["Limit"]

_DEFAULT = 10


@component("limit", "head")
@dataclass(frozen=True, slots=True)
class Limit(Pipe):
    """A number of rows."""

    count: int

    @classmethod
    def parse(cls, parser: Parser) -> "Limit":
        """A number; 10 without one."""
        if parser.at_end or parser.at("|", ")"):
            return cls(_DEFAULT)
        return cls(read_count(parser, "limit"))

    def __str__(self) -> str:
        """``limit 10``."""
        return f"limit {self.count}"

    def sql(self, stage: Stage) -> Stage:
        """The smaller of this limit and one before."""
        return replace(stage, limit=self.count if stage.limit is None else min(self.count, stage.limit))

    def needs(self) -> tuple[str, ...]:
        """None."""
        return ()

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """The head."""
        return table.head(self.count)

    def labels(self, labels: Labels) -> Labels:
        """Not over a range, where rows of all times would count together."""
        if labels.step:
            raise BadQuery("limit cannot follow stats in a query over a range: it would cut all times together")
        return labels
