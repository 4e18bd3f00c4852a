"""``field_names as name``: the fields that the rows have, and how many rows have each."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query.discovery import names_source
from logyard.query.listing import read_result_name
from logyard.query.pipe import Pipe, component
from logyard.query.stage import Cell, Stage

__all__ = ["FieldNames"]


@component("field_names")
@dataclass(frozen=True, slots=True)
class FieldNames(Pipe):
    """``field`` is the one that gets the names, ``hits`` the one that gets the numbers of rows."""

    field: str = "name"

    hits = "hits"

    @classmethod
    def parse(cls, parser: Parser) -> "FieldNames":
        """``[as] name``."""
        return cls() if parser.at_end or parser.at("|", ")") else cls(read_result_name(parser))

    def __str__(self) -> str:
        """``field_names as name``."""
        return "field_names" if self.field == "name" else f"field_names as {quote_if_needed(self.field)}"

    def sql(self, stage: Stage) -> Stage | None:
        """While the fields are those of stored records."""
        source = names_source(stage)
        if source is None:
            return None
        above = Stage(source, None, aliases=stage.aliases, depth=stage.depth + 1)
        return above.closed({self.field: Cell("name"), "hits": Cell("toString(hits)", numeric=True)})

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """Columns with something in them."""
        hits = {column.name: int((column != "").sum()) for column in table if column.name not in {"", "_stream_id"}}
        found = [(name, str(count)) for name, count in hits.items() if count]
        names, counts = [name for name, _ in found], [count for _, count in found]
        return pl.DataFrame({self.field: names, "hits": counts}, schema={self.field: pl.String, "hits": pl.String})
