"""What travels to a server for a parcel: a statement and the bytes that it reads.

The same statements as in the embedded store (``store/parcel.py``), reading ``input()`` where that reads ``file()``:
the body of the request is the log's segment as it lies on the disk. A small parcel is framed here first, for the
reason given there, and travels as an Arrow stream.
"""

import io
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec
import polars as pl

from logyard.model.batch import Encoded
from logyard.ports import Parcel, Rows
from logyard.store.cluster.survey import survey
from logyard.store.mapping import LOGS_ROW, WAL_ROW, frames_select, lines_select, literal
from logyard.store.parcel import ARROW_ROW, FEW_ROWS, readings, with_places

__all__ = ["Load", "Shipment", "shipments", "whole_rows"]


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """One ``INSERT INTO logs (columns) SELECT ... FORMAT ...`` and its data."""

    token: str
    select: str
    format: str
    body: bytes | Path


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table as they are."""

    columns: str
    body: bytes

    def sql(self, table: str, condition: str) -> str:
        """The statement whose data ``body`` is; with a condition, for the rows that it holds for."""
        if not condition:
            return f"INSERT INTO {table} ({self.columns}) FORMAT ArrowStream"
        source = f"input({literal(LOGS_ROW)})"
        select = f"SELECT {self.columns} FROM {source} WHERE {condition}"
        return f"INSERT INTO {table} ({self.columns}) {select} FORMAT ArrowStream"


def whole_rows(rows: Rows) -> Load:
    """What travels for rows that were stored before, somewhere."""
    stream = io.BytesIO()
    rows.frame.write_ipc_stream(stream, compat_level=pl.CompatLevel.oldest())
    return Load(columns=", ".join(rows.frame.columns), body=stream.getvalue())


def shipments(parcel: Parcel, *, sequential: bool) -> list[Shipment]:
    """What to send for a parcel, in order. The same parcel always gives the same shipments with the same tokens."""
    encoded = [batch for batch in parcel.batches if isinstance(batch.body, Encoded)]
    if not encoded or parcel.rows < FEW_ROWS:
        return [_framed(parcel, sequential=sequential)]
    return list(_lines(parcel, sequential=sequential))


def _lines(parcel: Parcel, *, sequential: bool) -> Iterator[Shipment]:
    source = f"input({literal(WAL_ROW)})"
    for reading in readings(parcel.batches):
        yield Shipment(
            token=f"{parcel.token}/{blake2b(reading.encode().encode(), digest_size=8).hexdigest()}",
            select=lines_select(source, reading, survey(parcel.batches, reading), sequential=sequential),
            format="RowBinary",
            body=parcel.path,
        )


def _framed(parcel: Parcel, *, sequential: bool) -> Shipment:
    stream = io.BytesIO()
    with_places(parcel.batches).write_ipc_stream(stream, compat_level=pl.CompatLevel.oldest())
    return Shipment(
        token=f"{parcel.token}/frames",
        select=frames_select(f"input({literal(ARROW_ROW)})", sequential=sequential),
        format="ArrowStream",
        body=stream.getvalue(),
    )
