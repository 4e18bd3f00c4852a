"""``offset 10``: all but the first so many rows."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.errors import BadQuery
from logyard.language.parser import Parser
from logyard.query.counting import LARGEST, read_count
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.stage import Stage

__all__ = ["Offset"]


@component("offset", "skip")
@dataclass(frozen=True, slots=True)
class Offset(Pipe):
    """A number of rows."""

    count: int

    @classmethod
    def parse(cls, parser: Parser) -> "Offset":
        """A number."""
        return cls(read_count(parser, "offset"))

    def __str__(self) -> str:
        """``offset 10``."""
        return f"offset {self.count}"

    def sql(self, stage: Stage) -> Stage:
        """Taken from what a limit has left."""
        limit = None if stage.limit is None else max(0, stage.limit - self.count)
        return replace(stage, offset=min(stage.offset + self.count, LARGEST), limit=limit)

    def needs(self) -> tuple[str, ...]:
        """None."""
        return ()

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """The tail."""
        return table.slice(min(self.count, table.height))

    def labels(self, labels: Labels) -> Labels:
        """Not over a range, where rows of all times would count together."""
        if labels.step:
            raise BadQuery("offset cannot follow stats in a query over a range: it would cut all times together")
        return labels
