"""``extract "ip=<ip> " from _msg``: fields out of a text by a pattern."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.errors import BadQuery
from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.language.quoting import quote, quote_if_needed
from logyard.query.cutting import taken
from logyard.query.filling import REPLACE, Filling, read_condition, read_filling
from logyard.query.listing import read_field
from logyard.query.pattern import read_pattern
from logyard.query.pipe import Pipe, component
from logyard.query.sql import NotInEngine, condition
from logyard.query.stage import Cell, Stage
from logyard.query.table import text

__all__ = ["Extract"]


@component("extract")
@dataclass(frozen=True, slots=True)
class Extract(Pipe):
    """``pattern`` as written, see ``query/pattern.py``."""

    pattern: str
    source: str = "_msg"
    condition: Filter | None = None
    filling: Filling = REPLACE

    row_wise = True
    flows = True

    @classmethod
    def parse(cls, parser: Parser) -> "Extract":
        """``[if (filter)] "pattern" [from field] [keep_original_fields|skip_empty_results]``."""
        condition = read_condition(parser)
        at = parser.token
        pattern = parser.word()
        try:
            read_pattern(pattern)
        except BadQuery as problem:
            raise parser.fail(problem.reason, at=at) from problem
        source = read_field(parser) if parser.take("from") else "_msg"
        return cls(pattern, source, condition, read_filling(parser))

    def __str__(self) -> str:
        """``extract "ip=<ip> " from _msg``."""
        chosen = f"if ({self.condition}) " if self.condition is not None else ""
        source = f" from {quote_if_needed(self.source)}" if self.source != "_msg" else ""
        return f"extract {chosen}{quote(self.pattern)}{source}{self.filling}"

    def sql(self, stage: Stage) -> Stage | None:
        """Cut off place by place."""
        below = stage.nested() if stage.cut else stage
        try:
            chosen = "" if self.condition is None else condition(self.condition, replace(below, indexed=False))
        except NotInEngine:
            return None
        above, columns = taken(below, below.text(self.source), read_pattern(self.pattern))
        cells = {name: Cell(self.filling.sql(above.text(name), column, chosen)) for name, column in columns.items()}
        return above.with_cells(cells)

    def needs(self) -> tuple[str, ...]:
        """The text, and the fields that it fills."""
        return (self.source, *read_pattern(self.pattern).names(), *self.filter_fields())

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In Python, once for each different text."""
        pattern = read_pattern(self.pattern)
        texts = text(table, self.source)
        found = {each: pattern.match(each) for each in texts.unique()}
        values = {
            name: pl.Series(name, [found[each][name] for each in texts], dtype=pl.String) for name in pattern.names()
        }
        return self.filling.fill(table, values, self.condition)

    def filters(self) -> tuple[Filter, ...]:
        """The one behind ``if``."""
        return () if self.condition is None else (self.condition,)

    def with_filters(self, filters: tuple[Filter, ...]) -> "Extract":
        """Another one behind ``if``."""
        return replace(self, condition=filters[0]) if filters else self
