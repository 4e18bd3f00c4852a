"""``delete a, b*``: all but these fields."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.stage import Stage
from logyard.query.wildcards import names_text, read_names, select

__all__ = ["Delete"]

_ALIASES = {"_msg": "message", "_time": "timestamp", "_stream": "stream"}


@component("delete", "del", "drop", "rm")
@dataclass(frozen=True, slots=True)
class Delete(Pipe):
    """Names of fields, or beginnings of names."""

    names: tuple[str, ...]

    row_wise = True

    @classmethod
    def parse(cls, parser: Parser) -> "Delete":
        """At least one name."""
        return cls(read_names(parser))

    def __str__(self) -> str:
        """``delete a, b*``."""
        return f"delete {names_text(self.names)}"

    def sql(self, stage: Stage) -> Stage:
        """Removed from what is known, and not looked for any more."""
        names = tuple(map(stage.canonical, self.names))
        gone = set(select(names, stage.cells))
        cells = {name: cell for name, cell in stage.cells.items() if name not in gone}
        hidden = (*stage.hidden, *names) if stage.open else ()
        return replace(stage, cells=cells, hidden=hidden)

    def needs(self) -> tuple[str, ...]:
        """None."""
        return ()

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """The other columns; rows without any are still rows."""
        twins = [_ALIASES[name] for name in self.names if name in _ALIASES and name not in table.columns]
        left = table.drop(select([*self.names, *twins], table.columns))
        return left if left.width else pl.DataFrame({"": [""] * table.height}, schema={"": pl.String})

    def labels(self, labels: Labels) -> Labels:
        """A label must stay."""
        return labels.without(tuple(select(self.names, [*labels.by, *labels.numbers])))
