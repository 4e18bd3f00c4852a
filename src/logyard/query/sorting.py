"""Rows in order: what ``sort``, ``first`` and ``last`` have in common.

Fields are compared as ``values.order`` says: nothing first, then numbers by size, then texts with the numbers
in them by size; times by time. With ``partition by``, offset, limit and rank count inside each partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query.counting import read_count
from logyard.query.expressions import natural_order
from logyard.query.listing import list_text, read_field, read_list, read_result_name
from logyard.query.stage import Cell, Stage
from logyard.query.table import text, with_texts
from logyard.query.values import go_json, natural_columns

__all__ = ["Key", "Sorting", "ends_text", "read_by", "read_ends", "read_rank"]


@dataclass(frozen=True, slots=True)
class Key:
    """A field to sort by."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        """``field desc``."""
        return quote_if_needed(self.field) + (" desc" if self.descending else "")


@dataclass(frozen=True, slots=True)
class Sorting:
    """An order, and what to take of it."""

    by: tuple[Key, ...] = ()
    """Nothing: by all fields together."""
    descending: bool = False
    offset: int = 0
    limit: int | None = None
    partition: tuple[str, ...] = ()
    rank: str = ""
    """The field that gets the number of each row, from 1."""

    def by_text(self) -> str:
        """``by (a, b desc)``, or nothing."""
        return f"by ({', '.join(map(str, self.by))})" if self.by else ""

    def keys(self) -> Sequence[Key]:
        """The fields with their final directions."""
        return [replace(key, descending=key.descending != self.descending) for key in self.by]

    def sql(self, stage: Stage) -> Stage | None:
        """``ORDER BY``, ``LIMIT BY`` and a window for the rank."""
        if not self.by:
            return None
        below, columns = _named(stage, [key.field for key in self.by])
        order = tuple(
            f"{column}{' DESC' if key.descending else ''}" for key, column in zip(self.keys(), columns, strict=True)
        )
        if not (self.partition or self.rank):
            return replace(below, order=order, limit=self.limit, offset=self.offset)
        return self._numbered(below, order)

    def _numbered(self, stage: Stage, order: tuple[str, ...]) -> Stage:
        parts = ", ".join(stage.text(name) for name in self.partition)
        window = f"{f'PARTITION BY {parts} ' if parts else ''}ORDER BY {', '.join(order)}"
        number = f"n{stage.depth}"
        above = replace(stage, order=()).nested({number: f"row_number() OVER ({window})"})
        wanted = [f"{number} > {self.offset}"] if self.offset else []
        if self.limit is not None:
            wanted.append(f"{number} <= {self.offset + self.limit}")
        above = replace(above.having(*wanted), order=order)
        return above.with_cells({self.rank: Cell(f"toString({number})", numeric=True)}) if self.rank else above

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """The same in memory."""
        ordered = self._ordered(table)
        if not self.partition:
            ordered = with_texts(ordered, {self.rank: _numbers(ordered.height)}) if self.rank else ordered
            return ordered.slice(min(self.offset, ordered.height), self.limit)
        keys = [text(ordered, name).alias(f"\0part{index}") for index, name in enumerate(self.partition)]
        names = [key.name for key in keys]
        number = pl.int_range(1, pl.len() + 1).over(names)
        counted = ordered.with_columns(keys).with_columns(number.alias("\0number"))
        last = counted.height if self.limit is None else self.offset + self.limit
        kept = counted.filter(pl.col("\0number").is_between(self.offset + 1, last))
        ranks = kept["\0number"].cast(pl.String)
        kept = kept.drop([*names, "\0number"])
        return with_texts(kept, {self.rank: ranks}) if self.rank else kept

    def needs(self) -> tuple[str, ...] | None:
        """The fields that it looks at; None for all."""
        return (*(key.field for key in self.by), *self.partition) if self.by else None

    def per_time(self) -> "Sorting":
        """For a query over a range: anew at each time."""
        if "_time" in self.partition or not (self.limit or self.offset):
            return self
        return replace(self, partition=(*self.partition, "_time"))

    def _ordered(self, table: pl.DataFrame) -> pl.DataFrame:
        if not self.by:
            lines = [go_json(row) for row in table.rows()]
            keys, directions = [pl.Series("\0key0", lines, dtype=pl.String)], [self.descending]
        else:
            keys = [text(table, key.field).alias(f"\0key{index}") for index, key in enumerate(self.by)]
            directions = [key.descending for key in self.keys()]
        marked = table.with_columns(keys)
        orders = [
            (each, down) for key, down in zip(keys, directions, strict=True) for each in natural_columns(key.name)
        ]
        ordered = marked.sort(
            [each for each, _ in orders], descending=[down for _, down in orders], maintain_order=True
        )
        return ordered.drop([key.name for key in keys])


def read_by(parser: Parser) -> tuple[Key, ...]:
    """``(a, b desc)`` behind an optional ``by``; nothing when no parenthesis comes."""
    wanted = parser.take("by")
    if not parser.at("("):
        if wanted:
            raise parser.fail("missing '(' behind by")
        return ()
    parser.advance()
    keys: list[Key] = []
    while not parser.take(")"):
        name = read_field(parser)
        keys.append(Key(name, descending=_descending(parser)))
        if not parser.take(","):
            parser.expect(")")
            break
    return tuple(keys)


def read_ends(parser: Parser) -> Sorting:
    """``[N] [by (...)] [partition by (...)] [rank [as] name]`` of ``first`` and ``last``."""
    limit = 1
    if not (parser.at_end or parser.at("by", "(", "partition", "rank", "|", ")")):
        limit = read_count(parser, "the number of rows") or 1
    sorting = Sorting(by=read_by(parser), limit=limit)
    while parser.at("partition", "rank"):
        if parser.advance().keyword == "partition":
            parser.take("by")
            if not parser.at("("):
                raise parser.fail("missing '(' behind partition by")
            sorting = replace(sorting, partition=read_list(parser))
        else:
            sorting = replace(sorting, rank=read_rank(parser, "partition"))
    return sorting


def read_rank(parser: Parser, *words: str) -> str:
    """The name behind ``rank``; "rank" without one, when one of ``words`` or the pipe's end comes."""
    return "rank" if parser.at_end or parser.at("|", ")", *words) else read_result_name(parser)


def ends_text(sorting: Sorting) -> str:
    """What ``read_ends`` reads."""
    parts = [str(sorting.limit), sorting.by_text()]
    parts.append(f"partition by ({list_text(sorting.partition)})" if sorting.partition else "")
    parts.append(f"rank as {quote_if_needed(sorting.rank)}" if sorting.rank else "")
    return " ".join(filter(None, parts))


def _named(stage: Stage, fields: Sequence[str]) -> tuple[Stage, list[str]]:
    """What to sort by, short: texts that are computed get a column of their own, once, in a SELECT inside."""
    cells = [stage.cell(field) for field in fields]
    columns = {
        f"s{stage.depth}_{index}": cell.text
        for index, cell in enumerate(cells)
        if not (cell.instant or cell.text.isidentifier())
    }
    below = stage.nested(columns) if columns or stage.cut else stage
    names = {text: name for name, text in columns.items()}
    return below, [cell.instant or natural_order(names.get(cell.text, cell.text)) for cell in cells]


def _descending(parser: Parser) -> bool:
    if parser.take("asc"):
        return False
    return parser.take("desc")


def _numbers(count: int) -> list[str]:
    return [str(index) for index in range(1, count + 1)]
