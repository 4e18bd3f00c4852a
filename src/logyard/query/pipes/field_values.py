"""``field_values level limit 10``: the different values of a field, and how many rows have each."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query.counting import read_count
from logyard.query.listing import free_name, read_field
from logyard.query.pipe import Pipe, component
from logyard.query.stage import Cell, Stage
from logyard.query.table import HITS, distinct

__all__ = ["FieldValues"]


@component("field_values")
@dataclass(frozen=True, slots=True)
class FieldValues(Pipe):
    """``limit`` 0 is none."""

    field: str
    limit: int = 0

    @classmethod
    def parse(cls, parser: Parser) -> "FieldValues":
        """A field's name."""
        closed = parser.take("(")
        field = read_field(parser)
        if closed:
            parser.expect(")")
        return cls(field, read_count(parser, "limit") if parser.take("limit") else 0)

    def __str__(self) -> str:
        """``field_values level limit 10``."""
        return f"field_values {quote_if_needed(self.field)}{f' limit {self.limit}' if self.limit else ''}"

    def sql(self, stage: Stage) -> Stage:
        """``GROUP BY``."""
        grouped = stage.grouped({"value": stage.text(self.field), "hits": "count()"}, ("value",))
        above = Stage(grouped, None, aliases=stage.aliases, depth=stage.depth + 1, limit=self.limit or None)
        cells = {self.field: Cell("value"), self.hits: Cell("toString(hits)", numeric=True)}
        return above.closed(cells)

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In order of appearance."""
        counted = distinct(table, [self.field]).rename({HITS: self.hits})
        return counted.head(self.limit) if self.limit else counted

    @property
    def hits(self) -> str:
        """The field that gets the numbers of rows."""
        return free_name("hits", [self.field])
