"""Published batches to one load: decoded once, however many subscribers there are.

Single events come as batches of one row, thousands a second, and a frame costs the same for one row as for
a thousand: lines that are read alike are joined and decoded together.
"""

from collections.abc import Sequence
from itertools import groupby

import polars as pl

from logyard.formats import json_lines
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.model.schema import FRAME
from logyard.stream.chunk import Load, Nth
from logyard.types import Nanoseconds

__all__ = ["decode"]

_TIME_IS_ARRIVAL = ",timestamp=,"
"""Stands in ``origin`` of a record that brought no time."""


def decode(batches: Sequence[Batch], nth: Nth) -> Load:
    """One load from batches of one tenant, at least one, in their order."""
    places = _places(batches)
    frames = [_frame(kind, list(run)) for kind, run in groupby(batches, key=_kind)]
    frame = pl.concat(frames) if len(frames) > 1 else frames[0]
    return Load(frame=frame, places=places, nth=nth, tenant=batches[0].tenant)


def _places(batches: Sequence[Batch]) -> pl.DataFrame:
    columns = {
        "first": pl.Series([batch.first for batch in batches], dtype=pl.Int64),
        "received": pl.Series([batch.received for batch in batches], dtype=pl.Int64),
        "rows": pl.Series([batch.rows for batch in batches], dtype=pl.Int64),
    }
    frame = pl.DataFrame(columns).filter(pl.col("rows") > 0)
    row = pl.int_ranges("rows").alias("row")
    return frame.select("first", "received", row).explode("row")


def _kind(batch: Batch) -> Reading | None:
    return batch.body.reading if isinstance(batch.body, Encoded) else None


def _frame(kind: Reading | None, batches: Sequence[Batch]) -> pl.DataFrame:
    if kind is None:
        return pl.concat(
            [batch.body.select(FRAME.names()) for batch in batches if isinstance(batch.body, pl.DataFrame)]
        )
    bodies = [batch.body for batch in batches if isinstance(batch.body, Encoded)]
    if len(bodies) == 1:
        return json_lines.frame(bodies[0], batches[0].received)
    joined = Encoded(
        lines=b"\n".join(body.lines for body in bodies), rows=sum(body.rows for body in bodies), reading=kind
    )
    return _with_arrival(json_lines.frame(joined, Nanoseconds(0)), batches)


def _with_arrival(frame: pl.DataFrame, batches: Sequence[Batch]) -> pl.DataFrame:
    """Records without a time of their own get the arrival of their own batch."""
    untimed = frame["origin"].str.contains(_TIME_IS_ARRIVAL, literal=True)
    if not untimed.any():
        return frame
    received = _places(batches)["received"].cast(FRAME["timestamp"])
    return frame.with_columns(pl.when(untimed).then(received).otherwise(pl.col("timestamp")).alias("timestamp"))
