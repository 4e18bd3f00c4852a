"""``copy a as b, c* as d*``: fields under a second name, one pair after the other."""

from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.query.pipe import Labels, Pipe, component
from logyard.query.renaming import Pair, pairs_text, read_pairs, targets
from logyard.query.stage import Stage
from logyard.query.table import text, with_texts
from logyard.query.wildcards import is_wildcard

__all__ = ["Copy"]


@component("copy", "cp")
@dataclass(frozen=True, slots=True)
class Copy(Pipe):
    """From, to."""

    pairs: tuple[Pair, ...]

    row_wise = True

    @classmethod
    def parse(cls, parser: Parser) -> "Copy":
        """At least one pair."""
        return cls(read_pairs(parser))

    def __str__(self) -> str:
        """``copy a as b``."""
        return f"copy {pairs_text(self.pairs)}"

    def sql(self, stage: Stage) -> Stage | None:
        """One expression under two names."""
        if stage.open and any(is_wildcard(source) for source, _ in self.pairs):
            return None
        for pair in self.pairs:
            found = {target: stage.cell(source) for source, target in targets(pair, stage.cells)}
            stage = stage.with_cells(found)
        return stage

    def needs(self) -> tuple[str, ...] | None:
        """Both names of each pair."""
        names = tuple(name for pair in self.pairs for name in pair)
        return None if any(map(is_wildcard, names)) else names

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """One column under two names."""
        for pair in self.pairs:
            found = targets(pair, table.columns)
            table = with_texts(table, {target: text(table, source) for source, target in found})
        return table

    def labels(self, labels: Labels) -> Labels:
        """A copied label is a label."""
        for pair in self.pairs:
            for source, target in targets(pair, [*labels.by, *labels.numbers]):
                if source == target:
                    continue
                labels = labels.without((target,))
                if source in labels.by:
                    labels = replace(labels, by=(*labels.by, target))
                elif source in labels.numbers:
                    labels = replace(labels, numbers=(*labels.numbers, target))
        return labels
