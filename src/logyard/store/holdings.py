"""What a store holds, partition by partition, read and added to in whole rows: the far end of moves, exports and
imports.

Rows travel as a stream in Arrow's IPC format, compressed with zstd, in the columns of the table.
"""

import io
from collections.abc import Mapping, Sequence

import msgspec
import polars as pl

from logyard.errors import BadPayload
from logyard.ports import Statement, Store
from logyard.store.loading import Loaded, Loader
from logyard.store.partitions import (
    Bucket,
    Extent,
    Slice,
    buckets,
    buckets_sql,
    extents,
    extents_sql,
    rows_sql,
)

__all__ = ["ARROW_TYPE", "KEYS_AT_ONCE", "Held", "Holdings", "arrow", "received_before"]

ARROW_TYPE = "application/vnd.apache.arrow.stream"
KEYS_AT_ONCE = 50_000
_LIMITS: Mapping[str, str | int] = {"max_threads": 2, "max_memory_usage": 2 << 30, "max_result_bytes": 1 << 30}
"""What a move may use of the engine: queries go first."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """All partitions, as of a moment."""

    until: int
    """Records that were received before then; nanoseconds."""
    partitions: list[Extent]


class Holdings:
    """Blocking; any thread."""

    def __init__(self, store: Store) -> None:
        """``store`` is borrowed."""
        self._store = store
        self._loader = Loader(store)

    def partitions(self, conditions: Sequence[str] = ()) -> list[Extent]:
        """All there are, oldest first."""
        return extents(self._ask(extents_sql(conditions)))

    def buckets(self, extent: Extent, conditions: Sequence[str] = ()) -> list[Bucket]:
        """The buckets of one partition, with their checksums."""
        return buckets(self._ask(buckets_sql(extent, conditions)))

    def rows(self, name: str, piece: Slice, conditions: Sequence[str] = ()) -> bytes:
        """The rows of a slice."""
        return arrow(self._ask(rows_sql(name, piece, conditions)))

    def keys(self, after: bytes, since: int = 0) -> bytes:
        """Keyed batches that came since then (nanoseconds), by their ids, behind ``after``; none at the end."""
        sql = (
            "SELECT hex(key) AS batch, f AS first, r AS rows, at AS received FROM (SELECT batch AS key, "
            "any(first) AS f, any(rows) AS r, any(received) AS at FROM keyed_batches "
            f"WHERE batch > toFixedString(unhex('{after.hex()}'), 16) "
            f"AND received >= fromUnixTimestamp64Nano(toInt64({since}), 'UTC') GROUP BY key) "
            f"ORDER BY batch LIMIT {KEYS_AT_ONCE}"
        )
        return arrow(self._ask(sql))

    def add(self, body: bytes, *, dry: bool = False) -> Loaded:
        """Store rows, as ``rows`` gives them; see ``Loader.rows``."""
        return self._loader.rows(_frame(body), dry=dry)

    def add_keys(self, body: bytes) -> Loaded:
        """Store keyed batches, as ``keys`` gives them."""
        frame = _frame(body)
        if frame.schema.get("batch") == pl.String():
            frame = frame.with_columns(pl.col("batch").str.decode("hex", strict=False))
        return self._loader.keys(frame)

    def _ask(self, sql: str) -> pl.DataFrame:
        return self._store.query(Statement(sql=sql, settings=_LIMITS))


def received_before(until: int) -> str:
    """The condition that cuts a store off at a moment."""
    return f"observed < fromUnixTimestamp64Nano(toInt64({until}), 'UTC')"


def arrow(frame: pl.DataFrame) -> bytes:
    """A frame on its way."""
    sink = io.BytesIO()
    frame.write_ipc_stream(sink, compression="zstd", compat_level=pl.CompatLevel.oldest())
    return sink.getvalue()


def _frame(body: bytes) -> pl.DataFrame:
    try:
        return pl.read_ipc_stream(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise BadPayload(f"the body is no stream of Arrow: {error}") from error
