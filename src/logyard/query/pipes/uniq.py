"""``uniq by (a, b) with hits``: one row for each different combination of the fields."""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.counting import read_count
from logyard.query.listing import free_name, list_text, read_list
from logyard.query.pipe import Pipe, component
from logyard.query.stage import Cell, Stage
from logyard.query.table import HITS, distinct

__all__ = ["Uniq"]


@component("uniq")
@dataclass(frozen=True, slots=True)
class Uniq(Pipe):
    """``limit`` 0 is none. With a limit that was met, ``hits`` are those of the rows that were kept."""

    by: tuple[str, ...]
    hits: bool = False
    limit: int = 0

    @classmethod
    def parse(cls, parser: Parser) -> "Uniq":
        """``[by] (a, b) [with] hits limit N``."""
        parser.take("by")
        by = read_list(parser, reserved=("hits", "with", "limit"))
        hits, limit = False, 0
        while parser.at("with", "hits", "limit"):
            word = parser.advance().keyword
            if word == "limit":
                limit = read_count(parser, "limit")
                continue
            if word == "with":
                parser.expect("hits")
            hits = True
        return cls(by, hits, limit)

    def __str__(self) -> str:
        """``uniq by (a, b) with hits``."""
        hits = " with hits" if self.hits else ""
        return f"uniq by ({list_text(self.by)}){hits}{f' limit {self.limit}' if self.limit else ''}"

    def sql(self, stage: Stage) -> Stage:
        """``GROUP BY``."""
        names = {name: f"f{stage.depth + 1}_{index}" for index, name in enumerate(dict.fromkeys(self.by))}
        columns = {column: stage.text(name) for name, column in names.items()}
        grouped = stage.grouped({**columns, "hits": "count()"}, tuple(columns))
        above = Stage(grouped, None, aliases=stage.aliases, depth=stage.depth + 1, limit=self.limit or None)
        cells = {name: Cell(column) for name, column in names.items()}
        if self.hits:
            cells[free_name("hits", self.by)] = Cell("toString(hits)", numeric=True)
        return above.closed(cells)

    def needs(self) -> tuple[str, ...]:
        """What it groups by."""
        return self.by

    @property
    def closes(self) -> bool:
        """Nothing else is left."""
        return True

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In order of appearance."""
        counted = distinct(table, self.by)
        if self.limit:
            counted = counted.head(self.limit)
        return counted.rename({HITS: free_name("hits", self.by)}) if self.hits else counted.drop(HITS)
