"""``stats by (_time:5m, service) count() if (error) as errors, max(size)``: groups of rows into numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from logyard.errors import BadQuery
from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.query.buckets import Bucket, bucket_of_time, read_bucket
from logyard.query.calls import Call, read_calls
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.sql import NotInEngine
from logyard.query.stage import Cell, Stage
from logyard.query.table import groups, matching, text
from logyard.query.wildcards import is_wildcard

__all__ = ["Stats"]


@component("stats")
@dataclass(frozen=True, slots=True)
class Stats(Pipe):
    """Groups, and what is wanted of each."""

    by: tuple[Bucket, ...]
    calls: tuple[Call, ...]

    @classmethod
    def parse(cls, parser: Parser) -> "Stats":
        """``[by] (fields) functions``; the parentheses may hold nothing."""
        parser.take("by")
        return cls(tuple(_read_by(parser)) if parser.at("(") else (), read_calls(parser))

    def __str__(self) -> str:
        """``stats by (a) count() as n``."""
        by = f"by ({', '.join(map(str, self.by))}) " if self.by else ""
        return f"stats {by}{', '.join(map(str, self.calls))}"

    def sql(self, stage: Stage) -> Stage | None:
        """``GROUP BY``; in memory if one of the functions needs that."""
        if any(call.function.ordered for call in self.calls) and stage.order:
            return None
        below = stage.nested() if stage.cut else stage
        depth = below.depth + 1
        keys = {f"k{depth}_{index}": bucket.key(below.cell(bucket.field)) for index, bucket in enumerate(self.by)}
        try:
            made = [call.sql(below) for call in self.calls]
        except NotInEngine:
            return None
        values = {f"v{depth}_{index}": value for index, value in enumerate(made) if value is not None}
        if len(values) < len(made):
            return None
        source = below.grouped({**keys, **values}, tuple(keys))
        cells = {
            bucket.field: bucket.cell(below.cell(bucket.field), key) for bucket, key in zip(self.by, keys, strict=True)
        }
        for call, column in zip(self.calls, values, strict=True):
            cells[call.name] = Cell(column, numeric=call.function.numeric)
        return Stage(source, None, aliases=stage.aliases, depth=depth).closed(cells)

    def needs(self) -> tuple[str, ...] | None:
        """What it groups by and what its functions read."""
        read = [call.function.fields for call in self.calls if not call.function.counts_rows]
        if any(not fields or any(map(is_wildcard, fields)) for fields in read):
            return None
        return (*self._names(), *(name for fields in read for name in fields), *self.filter_fields())

    @property
    def closes(self) -> bool:
        """Nothing else is left."""
        return True

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """Group by group; without ``by`` there is one, with or without rows."""
        keys = [bucket.keys(text(table, bucket.field)) for bucket in self.by]
        chosen = {call: matching(table, call.condition) for call in self.calls if call.condition is not None}
        marks = {call: f"\0if{index}" for index, call in enumerate(chosen)}
        marked = table.with_columns([chosen[call].alias(name) for call, name in marks.items()])
        names = [*(bucket.field for bucket in self.by), *(call.name for call in self.calls)]
        rows = [
            [*values, *(_folded(call, group, marks) for call in self.calls)] for values, group in groups(marked, keys)
        ]
        return pl.DataFrame(
            {name: [row[index] for row in rows] for index, name in enumerate(names)},
            schema=dict.fromkeys(names, pl.String),
        )

    def labels(self, labels: Labels) -> Labels:
        """What it groups by are labels; over a range, by time among them."""
        if labels.step and labels.by and "_time" not in self._names():
            raise BadQuery("a second stats in a query over a range must group by _time, too")
        return Labels(tuple(self._names()), tuple(call.name for call in self.calls), labels.step)

    def per_step(self, step: int, offset: int) -> "Stats":
        """For a query over a range: by ``_time`` in steps of so many nanoseconds, whatever the query says of it."""
        others = tuple(bucket for bucket in self.by if bucket.field != "_time")
        return replace(self, by=(*others, bucket_of_time(step, offset)))

    def filters(self) -> tuple[Filter, ...]:
        """Those behind ``if``."""
        return tuple(call.condition for call in self.calls if call.condition is not None)

    def with_filters(self, filters: tuple[Filter, ...]) -> "Stats":
        """Other filters behind ``if``."""
        left = iter(filters)
        calls = (call if call.condition is None else replace(call, condition=next(left)) for call in self.calls)
        return replace(self, calls=tuple(calls))

    def _names(self) -> list[str]:
        return [bucket.field for bucket in self.by]


def _read_by(parser: Parser) -> Iterator[Bucket]:
    parser.expect("(")
    while not parser.take(")"):
        yield read_bucket(parser)
        if not parser.take(","):
            parser.expect(")")
            return


def _folded(call: Call, group: pl.DataFrame, marks: dict[Call, str]) -> str:
    mark = marks.get(call)
    rows = group if mark is None else group.filter(pl.col(mark))
    return call.function.fold(rows.drop([name for name in rows.columns if name.startswith("\0if")]))
