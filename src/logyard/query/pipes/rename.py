"""``rename a as b, c* as d*``: fields under another name, one pair after the other."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.renaming import Pair, pairs_text, read_pairs, targets
from logyard.query.stage import Stage
from logyard.query.table import text
from logyard.query.wildcards import is_wildcard

__all__ = ["Rename"]


@component("rename", "mv")
@dataclass(frozen=True, slots=True)
class Rename(Pipe):
    """From, to."""

    pairs: tuple[Pair, ...]

    row_wise = True

    @classmethod
    def parse(cls, parser: Parser) -> "Rename":
        """At least one pair."""
        return cls(read_pairs(parser))

    def __str__(self) -> str:
        """``rename a as b``."""
        return f"rename {pairs_text(self.pairs)}"

    def sql(self, stage: Stage) -> Stage | None:
        """The expression goes to the new name, and the old one is not looked for any more."""
        if stage.open and any(is_wildcard(source) for source, _ in self.pairs):
            return None
        for pair in self.pairs:
            for source, target in targets(pair, stage.cells):
                stage = _renamed(stage, source, target)
        return stage

    def needs(self) -> tuple[str, ...] | None:
        """Both names of each pair."""
        names = tuple(name for pair in self.pairs for name in pair)
        return None if any(map(is_wildcard, names)) else names

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """A column that is not there gives an empty one."""
        for pair in self.pairs:
            moves = [(old, new) for old, new in targets(pair, table.columns) if old != new]
            if not moves:
                continue
            moved = {new: text(table, old) for old, new in moves}
            left = [column for column in table if column.name not in {name for move in moves for name in move}]
            table = pl.DataFrame([*left, *(values.alias(name) for name, values in moved.items())])
        return table

    def labels(self, labels: Labels) -> Labels:
        """A renamed label is a label."""
        for pair in self.pairs:
            for source, target in targets(pair, [*labels.by, *labels.numbers]):
                if source != target:
                    labels = _relabelled(labels, source, target)
        return labels


def _renamed(stage: Stage, source: str, target: str) -> Stage:
    source, target = stage.canonical(source), stage.canonical(target)
    if source == target:
        return stage
    cell = stage.cell(source)
    cells = {name: each for name, each in stage.cells.items() if name != source}
    hidden = (*stage.hidden, source) if stage.open else ()
    return replace(stage, cells={**cells, target: cell}, hidden=hidden)


def _relabelled(labels: Labels, source: str, target: str) -> Labels:
    by = tuple(target if name == source else name for name in labels.without((target,)).by)
    numbers = tuple(target if name == source else name for name in labels.numbers if name != target)
    return replace(labels, by=by, numbers=numbers)
