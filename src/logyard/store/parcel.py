"""From a parcel to inserts: one for each way of reading, each with a token of its own.

A big segment of lines is read by the engine where it lies. A small one is framed here first: the engine needs 0.1 s to
understand the statement that reads lines, and a query that waits for three records should not. Frames go through a
scratch file in Arrow's streaming format.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
import polars as pl

from logyard.formats.json.batches import joined, places
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.ports import Parcel
from logyard.store.mapping import WAL_ROW, Survey, frames_select, lines_select, literal, survey_select

__all__ = ["ARROW_ROW", "FEW_ROWS", "Insert", "inserts", "readings", "scratch_file", "with_places"]

Ask = Callable[[str], pl.DataFrame]

FEW_ROWS = 1024
"""Segments of fewer lines are framed in Python: 12 us a row against 0.06 s a statement. Not more: the event loop waits
for Python's lock meanwhile."""


ARROW_ROW = (
    "timestamp DateTime64(9, 'UTC'), level String, severity UInt8, level_text String, service String, host String, "
    "source String, stream String, message String, trace_id String, span_id String, correlation_id String, "
    "tags Array(String), attributes String, origin String, first Int64, received Int64, tenant String, row Int64"
)


class Insert(msgspec.Struct, frozen=True, kw_only=True):
    """One ``INSERT INTO logs (columns) SELECT ...``."""

    token: str
    select: str


def inserts(parcel: Parcel, scratch: Path, ask: Ask, *, sequential: bool) -> Iterator[Insert]:
    """What to run for a parcel, in order. The same parcel always gives the same inserts with the same tokens.

    ``ask`` runs a survey's query.
    """
    encoded = [batch for batch in parcel.batches if isinstance(batch.body, Encoded)]
    if not encoded or parcel.rows < FEW_ROWS or any(_is_raw(batch) for batch in encoded):
        yield _framed(parcel, scratch, sequential=sequential)
        return
    source = f"file({literal(str(parcel.path.absolute()))}, RowBinary, {literal(WAL_ROW)})"
    for reading in readings(encoded):
        keys, braces = ask(survey_select(source, reading)).row(0)
        survey = Survey(frozenset(keys), braces)
        token = f"{parcel.token}/{blake2b(reading.rules().encode(), digest_size=8).hexdigest()}"
        yield Insert(token=token, select=lines_select(source, reading, survey, sequential=sequential))


def _framed(parcel: Parcel, scratch: Path, *, sequential: bool) -> Insert:
    path = scratch_file(scratch, parcel)
    with_places(parcel.batches).write_ipc_stream(path, compat_level=pl.CompatLevel.oldest())
    source = f"file({literal(str(path))}, ArrowStream, {literal(ARROW_ROW)})"
    return Insert(
        token=f"{parcel.token}/frames",
        select=frames_select(source, sequential=sequential),
    )


def scratch_file(scratch: Path, parcel: Parcel) -> Path:
    """Where a parcel's frames lie while the engine reads them; to be removed by whoever ran the inserts."""
    return scratch / f"{parcel.token.replace('/', '_')}.arrow"


def with_places(batches: Sequence[Batch]) -> pl.DataFrame:
    """The batches as one frame, and beside it what the engine needs: the columns of ``ARROW_ROW``."""
    where = places(batches).with_columns(pl.col("row") + 1)
    return joined(batches).hstack(where.select("first", "received", "tenant", "row"))


def readings(batches: Iterable[Batch]) -> list[Reading]:
    """One reading for each set of rules, in order of appearance; its constants' values are those of any batch."""
    found = {batch.body.reading.rules(): batch.body.reading for batch in batches if isinstance(batch.body, Encoded)}
    return list(found.values())


def _is_raw(batch: Batch) -> bool:
    """The inlet lets none through; one from a log of another process is looked at here."""
    return isinstance(batch.body, Encoded) and batch.body.reading.kind == "raw"
