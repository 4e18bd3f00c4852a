"""The table ``keyed_batches`` in SQL: what is written of a parcel, and how it is asked for."""

from collections.abc import Iterable, Mapping

import polars as pl

from logyard.model.batch import Batch, Receipt
from logyard.types import BatchId, LogId

__all__ = ["keyed_rows", "known_batches", "receipts"]


def keyed_rows(batches: Iterable[Batch]) -> str:
    """The rows of ``INSERT INTO keyed_batches VALUES``; "" when no batch is keyed."""
    return ", ".join(
        f"(unhex('{batch.id.hex()}'), {batch.first}, {batch.rows}, "
        f"fromUnixTimestamp64Nano(toInt64({batch.received}), 'UTC'))"
        for batch in batches
        if batch.keyed
    )


def known_batches(keys: Iterable[BatchId]) -> str:
    """A question for what these batches got."""
    listed = ", ".join(f"unhex('{key.hex()}')" for key in keys)
    return (
        "SELECT hex(batch) AS key, any(first) AS first, any(rows) AS rows "
        f"FROM keyed_batches WHERE batch IN ({listed}) GROUP BY batch"
    )


def receipts(answer: pl.DataFrame) -> Mapping[BatchId, Receipt]:
    """The answer to ``known_batches``."""
    return {
        BatchId(bytes.fromhex(key)): Receipt(first=LogId(first), rows=rows, duplicate=True)
        for key, first, rows in answer.iter_rows()
    }
