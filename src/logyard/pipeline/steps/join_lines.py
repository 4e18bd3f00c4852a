"""Make one record of several lines."""

import polars as pl

from logyard.formats.multiline.joiner import Joiner
from logyard.formats.multiline.rules import JoinRules
from logyard.registry import component

__all__ = ["JoinLines"]


@component("join_lines", config=JoinRules, example='preset = "java"\n')
class JoinLines:
    """Join the lines of one record (stack traces, dumps) into its first, within a batch."""

    def __init__(self, config: JoinRules) -> None:
        """Raises ``BadConfig`` for rules that cannot be used. A receiver of files joins over batches, too."""
        self._rules = config
        Joiner(config)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that are left: each is its first line with the message of all. Lines of different sources are
        never joined; the record at the end of a batch is taken to be whole.
        """
        if frame.height <= 1:
            return frame
        if frame["source"].n_unique() == 1:
            return self._joined(frame)[:, :-1]
        parts = [self._joined(part) for part in frame.with_row_index("row").partition_by("source", maintain_order=True)]
        return pl.concat(parts).sort("row").drop("row", "first")

    def _joined(self, frame: pl.DataFrame) -> pl.DataFrame:
        joiner = Joiner(self._rules)
        whole, last = joiner.feed(frame["message"], 0.0), joiner.flush()
        counts = pl.concat([whole.lines, last.lines])
        first = (counts.cum_sum() - counts).alias("first")
        return frame[first].with_columns(pl.concat([whole.records, last.records]).alias("message"), first)
