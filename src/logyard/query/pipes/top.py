"""``top 5 by (a, b)``: the most frequent combinations of the fields."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query.counting import read_count
from logyard.query.expressions import natural_order
from logyard.query.listing import free_name, list_text, read_list, read_result_name
from logyard.query.pipe import Pipe, component
from logyard.query.sorting import read_rank
from logyard.query.stage import Cell, Stage
from logyard.query.table import HITS, distinct, row_numbers
from logyard.query.values import natural_columns

__all__ = ["Top"]

_DEFAULT = 10


@component("top")
@dataclass(frozen=True, slots=True)
class Top(Pipe):
    """``hits`` and ``rank`` are names of fields; without a rank none is given."""

    count: int
    by: tuple[str, ...]
    hits: str = "hits"
    rank: str = ""

    @classmethod
    def parse(cls, parser: Parser) -> "Top":
        """``[N] [by] (a, b) [hits [as] h] [rank [as] r]``."""
        counted = parser.token.text[:1].isdecimal()
        count = read_count(parser, "top") if counted else _DEFAULT
        parser.take("by")
        by = read_list(parser, reserved=("hits", "rank"))
        hits, rank = free_name("hits", by), ""
        while parser.at("hits", "rank"):
            if parser.advance().keyword == "hits":
                hits = read_result_name(parser)
            else:
                rank = read_rank(parser, "hits")
        return cls(count, by, hits, rank)

    def __str__(self) -> str:
        """``top 5 by (a, b) hits as h rank as r``."""
        hits = f" hits as {quote_if_needed(self.hits)}" if self.hits != free_name("hits", self.by) else ""
        rank = f" rank as {quote_if_needed(self.rank)}" if self.rank else ""
        return f"top {self.count} by ({list_text(self.by)}){hits}{rank}"

    def sql(self, stage: Stage) -> Stage:
        """``GROUP BY``, then in order of frequency."""
        depth = stage.depth + 1
        names = {name: f"f{depth}_{index}" for index, name in enumerate(dict.fromkeys(self.by))}
        columns = {column: stage.text(name) for name, column in names.items()}
        grouped = stage.grouped({**columns, "hits": "count()"}, tuple(columns))
        order = ("hits DESC", *(natural_order(column) for column in columns))
        above = Stage(grouped, None, order=order, limit=self.count, aliases=stage.aliases, depth=depth)
        cells = {name: Cell(column) for name, column in names.items()}
        cells[self.hits] = Cell("toString(hits)", numeric=True)
        if self.rank:
            cells[self.rank] = Cell(f"toString(row_number() OVER (ORDER BY {', '.join(order)}))", numeric=True)
        return above.closed(cells) if not self.rank else _ranked(above.closed(cells), self.rank)

    def needs(self) -> tuple[str, ...]:
        """What it groups by."""
        return self.by

    @property
    def closes(self) -> bool:
        """Nothing else is left."""
        return True

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In memory."""
        counted = distinct(table, self.by)
        if not counted.height:
            return counted.drop(HITS)
        orders = [each for name in dict.fromkeys(self.by) for each in natural_columns(name)]
        number = pl.col(HITS).cast(pl.Int64)
        ordered = counted.sort([number, *orders], descending=[True, *([False] * len(orders))])
        ordered = ordered.head(self.count).rename({HITS: self.hits})
        return row_numbers(ordered, self.rank) if self.rank else ordered


def _ranked(stage: Stage, rank: str) -> Stage:
    """The number of a row must be found before anything is filtered away."""
    number = f"r{stage.depth}"
    above = stage.nested({number: stage.text(rank)}).with_cells({rank: Cell(number, numeric=True)})
    return replace(above, order=(f"toUInt64({number})",))
