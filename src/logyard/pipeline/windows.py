"""Records by key and window of time: which are let through, and how many were not.

Windows are those of the records' own time, side by side from 1970 on, so that the answer does not depend on when a
batch comes. What has been let through in a window is remembered over batches, for the newest windows and keys.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Final, NamedTuple

import polars as pl

from logyard.pipeline.fields import text

__all__ = ["Admitted", "Windows"]

_SECOND: Final = 1_000_000_000
_KEYS: Final = ["key", "other"]
_MEMORY: Final = pl.Schema(
    {"key": pl.UInt64(), "other": pl.UInt64(), "window": pl.Int64(), "passed": pl.Int64(), "held": pl.Int64()}
)
_KEPT_WINDOWS: Final = 2


class Admitted(NamedTuple):
    """What became of the records of a frame."""

    passed: pl.Series
    """A boolean a record."""
    held: pl.Series
    """For each that passed how many of its key had been held back since the last one that passed; 0 for the others."""


class Windows:
    """At most ``limit`` records of a key pass in a window. Any thread."""

    def __init__(self, fields: Sequence[str], *, seconds: float, limit: int, most_keys: int) -> None:
        """``fields`` make the key. Of more than ``most_keys`` keys the ones that were silent longest are forgotten."""
        self._fields = tuple(fields)
        self._length = max(1, round(seconds * _SECOND))
        self._limit = limit
        self._most_keys = most_keys
        self._memory = pl.DataFrame(schema=_MEMORY)
        self._lock = Lock()

    def admit(self, frame: pl.DataFrame) -> Admitted:
        """In the order of the records."""
        with self._lock:
            known = self._known(frame)
            # What was let through of this window before, and of this batch so far.
            before = pl.col("passed").fill_null(0) + pl.int_range(pl.len()).over(*_KEYS, "window")
            table = known.with_columns((before < self._limit).alias("pass"))
            late = table.with_columns((~pl.col("pass")).cum_sum().over(_KEYS).alias("late"))
            passing = late.filter("pass").with_columns(
                (pl.col("late") - pl.col("late").shift(1).over(_KEYS).fill_null(-pl.col("carried"))).alias("held")
            )
            self._remember(table, passing)
        held = pl.Series([0], dtype=pl.Int64).new_from_index(0, frame.height)
        return Admitted(table["pass"], held.scatter(passing["row"], passing["held"]).alias("held"))

    def _known(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Key and window of each record, and what is remembered of them."""
        parts = pl.DataFrame([text(frame, name).alias(str(place)) for place, name in enumerate(self._fields)])
        # Two hashes: what shares both by accident is one in 2^128.
        keys = (
            parts.select(pl.struct(pl.all()).hash(0).alias("key"), pl.struct(pl.all()).hash(1).alias("other"))
            if self._fields
            else pl.DataFrame({"key": [0], "other": [0]}, schema={"key": pl.UInt64, "other": pl.UInt64})[
                [0] * frame.height
            ]
        )
        table = keys.with_columns((frame["timestamp"].cast(pl.Int64) // self._length).alias("window")).with_row_index(
            "row"
        )
        passed = self._memory.select(*_KEYS, "window", "passed")
        carried = self._memory.group_by(_KEYS).agg(pl.col("held").sum().alias("carried"))
        table = table.join(passed, on=[*_KEYS, "window"], how="left", maintain_order="left")
        return table.join(carried, on=_KEYS, how="left", maintain_order="left").with_columns(
            pl.col("carried").fill_null(0)
        )

    def _remember(self, table: pl.DataFrame, passing: pl.DataFrame) -> None:
        counts = table.group_by(*_KEYS, "window").agg(pl.col("pass").sum().cast(pl.Int64).alias("passed"))
        told = passing.group_by(_KEYS).agg(pl.col("row").max().alias("last"))
        since = table.join(told, on=_KEYS, how="left").filter(
            ~pl.col("pass") & (pl.col("last").is_null() | (pl.col("row") > pl.col("last")))
        )
        held = since.group_by(_KEYS).agg(pl.len().cast(pl.Int64).alias("held"), pl.max("window").alias("window"))
        older = self._memory
        if told.height:
            # A record that passed has said what was held back of its key.
            told_keys = told.select(*_KEYS, pl.lit(value=True).alias("told"))
            older = older.join(told_keys, on=_KEYS, how="left").with_columns(
                pl.when("told").then(0).otherwise("held").alias("held")
            )
        parts = [
            older.select(_MEMORY.names()),
            counts.with_columns(pl.lit(0, pl.Int64).alias("held")).select(_MEMORY.names()),
            held.with_columns(pl.lit(0, pl.Int64).alias("passed")).select(_MEMORY.names()),
        ]
        merged = pl.concat(parts).group_by(*_KEYS, "window").agg(pl.sum("passed"), pl.sum("held"))
        newest = pl.col("window").max() - _KEPT_WINDOWS
        kept = merged.filter((pl.col("window") > newest) | (pl.col("held") > 0))
        self._memory = kept.sort("window", descending=True).head(self._most_keys).select(_MEMORY.names())
