"""Many batches into one frame.

Single events come as batches of one row, thousands a second, and a frame costs the same for one row as for a thousand:
lines that are read alike are joined and decoded together (12 us an event instead of 2.4 ms).
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec
import polars as pl

from logyard.formats.json.frame import frame_of_runs
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.model.schema import FRAME
from logyard.types import Nanoseconds

__all__ = ["joined", "places"]

_TIME_IS_ARRIVAL = ",timestamp=,"
"""Stands in ``origin`` of a record that brought no time."""


def joined(batches: Sequence[Batch]) -> pl.DataFrame:
    """All records, at least one, in their order, in the canonical schema."""
    frames = [_frame(kind, list(run)) for kind, run in groupby(batches, key=_kind)]
    return pl.concat(frames) if len(frames) > 1 else frames[0]


def places(batches: Sequence[Batch]) -> pl.DataFrame:
    """Where each record comes from: ``first``, ``received``, ``tenant`` of its batch, and its ``row`` there, from 0."""
    columns = {
        "first": pl.Series([batch.first for batch in batches], dtype=pl.Int64),
        "received": pl.Series([batch.received for batch in batches], dtype=pl.Int64),
        "tenant": pl.Series([batch.tenant for batch in batches], dtype=pl.String),
        "rows": pl.Series([batch.rows for batch in batches], dtype=pl.Int64),
    }
    table = pl.DataFrame(columns).filter(pl.col("rows") > 0)
    return table.select("first", "received", "tenant", pl.int_ranges("rows").alias("row")).explode("row")


def _kind(batch: Batch) -> Reading | None:
    """How its lines are read; bodies that differ in their constants only are read together."""
    return msgspec.structs.replace(batch.body.reading, constants=()) if isinstance(batch.body, Encoded) else None


def _frame(kind: Reading | None, batches: Sequence[Batch]) -> pl.DataFrame:
    if kind is None:
        return pl.concat(_frames(batches))
    bodies = [batch.body for batch in batches if isinstance(batch.body, Encoded)]
    runs = [(body.rows, body.reading.constants) for body in bodies]
    lines = b"\n".join(body.lines for body in bodies)
    together = Encoded(lines=lines, rows=sum(body.rows for body in bodies), reading=kind)
    received = batches[0].received if len(batches) == 1 else Nanoseconds(0)
    made = frame_of_runs(together, runs, received)
    return made if len(batches) == 1 else _with_arrival(made, batches)


def _frames(batches: Iterable[Batch]) -> list[pl.DataFrame]:
    return [batch.body.select(FRAME.names()) for batch in batches if isinstance(batch.body, pl.DataFrame)]


def _with_arrival(table: pl.DataFrame, batches: Sequence[Batch]) -> pl.DataFrame:
    """Records without a time of their own get the arrival of their own batch."""
    untimed = table["origin"].str.contains(_TIME_IS_ARRIVAL, literal=True)
    if not untimed.any():
        return table
    received = places(batches)["received"].cast(FRAME["timestamp"])
    return table.with_columns(pl.when(untimed).then(received).otherwise(pl.col("timestamp")).alias("timestamp"))
