"""``sort by (a, b desc) limit 10``: rows in order."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query.counting import read_count
from logyard.query.listing import list_text, read_list
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.sorting import Sorting, read_by, read_rank
from logyard.query.stage import Stage

__all__ = ["Sort"]


@component("sort", "order")
@dataclass(frozen=True, slots=True)
class Sort(Pipe):
    """An order with offset, limit, rank and partitions."""

    sorting: Sorting

    @classmethod
    def parse(cls, parser: Parser) -> "Sort":
        """All parts may be left out."""
        sorting = Sorting(by=read_by(parser))
        if parser.take("desc"):
            sorting = replace(sorting, descending=True)
        else:
            parser.take("asc")
        left = {"offset", "limit", "rank", "partition"}
        while parser.at(*left):
            left.discard(parser.token.keyword)
            sorting = _part(parser, sorting)
        return cls(sorting)

    def __str__(self) -> str:
        """``sort by (a, b desc) limit 10``."""
        sorting = self.sorting
        parts = ["sort", sorting.by_text(), "desc" if sorting.descending else ""]
        parts.append(f"partition by ({list_text(sorting.partition)})" if sorting.partition else "")
        parts.append(f"offset {sorting.offset}" if sorting.offset else "")
        parts.append(f"limit {sorting.limit}" if sorting.limit is not None else "")
        parts.append(f"rank as {quote_if_needed(sorting.rank)}" if sorting.rank else "")
        return " ".join(filter(None, parts))

    def sql(self, stage: Stage) -> Stage | None:
        """By the engine."""
        return self.sorting.sql(stage)

    def needs(self) -> tuple[str, ...] | None:
        """What it sorts by and within."""
        return self.sorting.needs()

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In memory."""
        return self.sorting.table(table)

    def labels(self, labels: Labels) -> Labels:
        """The same rows, or some of them."""
        return labels

    def per_time(self) -> "Sort":
        """For a query over a range."""
        return Sort(self.sorting.per_time())


def _part(parser: Parser, sorting: Sorting) -> Sorting:
    word = parser.advance().keyword
    if word == "offset":
        return replace(sorting, offset=read_count(parser, "offset"))
    if word == "limit":
        return replace(sorting, limit=read_count(parser, "limit") or None)  # 0 is no limit, as in VictoriaLogs
    if word == "partition":
        parser.take("by")
        if not parser.at("("):
            raise parser.fail("missing '(' behind partition by")
        return replace(sorting, partition=read_list(parser))
    return replace(sorting, rank=read_rank(parser, "offset", "limit", "partition"))
