"""``fields a, b*``: only these fields."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.errors import BadQuery
from logyard.language.parser import Parser
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.stage import Stage
from logyard.query.table import text
from logyard.query.wildcards import is_wildcard, names_text, read_names, select

__all__ = ["Fields"]


@component("fields", "keep")
@dataclass(frozen=True, slots=True)
class Fields(Pipe):
    """Names of fields, or beginnings of names."""

    names: tuple[str, ...]

    row_wise = True

    @classmethod
    def parse(cls, parser: Parser) -> "Fields":
        """At least one name."""
        names = read_names(parser)
        return cls(("*",) if "*" in names else names)

    def __str__(self) -> str:
        """``fields a, b*``."""
        return f"fields {names_text(self.names)}"

    def sql(self, stage: Stage) -> Stage:
        """Nothing is read that is not asked for."""
        if self.names == ("*",):
            return stage
        if stage.open and any(map(is_wildcard, self.names)):
            return self._narrowed(stage)
        plain = [name for name in self.names if not is_wildcard(name)]
        found = dict.fromkeys([*plain, *select(filter(is_wildcard, self.names), stage.cells)])
        return stage.closed({name: stage.cell(name) for name in found})

    def _narrowed(self, stage: Stage) -> Stage:
        """Of fields whose names nobody knows yet."""
        cells = {name: stage.cells[name] for name in select(self.names, stage.cells)}
        if stage.only is None:
            return replace(stage, cells=cells, only=tuple(map(stage.canonical, self.names)))
        # What was kept before and is kept now: patterns that one of the other list covers.
        only = tuple(dict.fromkeys(
            min(mine, theirs, key=len) if mine == theirs else max(mine, theirs, key=len)
            for mine in map(stage.canonical, self.names)
            for theirs in stage.only
            if _covers(mine, theirs) or _covers(theirs, mine)
        ))  # fmt: skip
        return replace(stage, cells=cells, only=only)

    def needs(self) -> tuple[str, ...] | None:
        """What it keeps, where these are whole names."""
        return None if any(map(is_wildcard, self.names)) else self.names

    @property
    def closes(self) -> bool:
        """Nothing else is left."""
        return True

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """The columns, in the order asked for."""
        wanted: dict[str, None] = {}
        for name in self.names:
            wanted.update(dict.fromkeys(select([name], table.columns) if is_wildcard(name) else [name]))
        return pl.DataFrame([text(table, name) for name in wanted])

    def labels(self, labels: Labels) -> Labels:
        """All labels must stay, and a number."""
        kept = select(self.names, [*labels.by, *labels.numbers])
        lost = tuple(name for name in (*labels.by, *labels.numbers) if name not in kept)
        left = labels.without(tuple(name for name in lost if name not in labels.by or name == "_time"))
        left = replace(left, by=tuple(name for name in left.by if name in kept))
        if not left.numbers:
            raise BadQuery("a query for metrics must keep a number of stats")
        return left


def _covers(pattern: str, other: str) -> bool:
    return is_wildcard(pattern) and other.startswith(pattern[:-1])
