"""A store without an engine: keeps parcels in memory, and fails or waits when told to."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import polars as pl

from logyard.errors import LogyardError
from logyard.model.batch import Receipt
from logyard.ports import Parcel, Retention, Rows, Sink, Statement, StoreStats
from logyard.store.whole import WholeSink
from logyard.types import BatchId, Nanoseconds

__all__ = ["MemoryStore"]


class MemoryStore:
    """``ports.Store`` as far as the ingest side needs it; any question is answered with an empty frame."""

    def __init__(self) -> None:
        """Empty, and willing."""
        self.parcels: dict[str, Parcel] = {}
        """What is stored, by token."""
        self.loaded: dict[str, Rows] = {}
        self.attempts = 0
        self.failures: list[LogyardError] = []
        """What the next inserts raise, first one first."""
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()

    def hold(self) -> None:
        """Let every insert wait from now on."""
        self._open.clear()

    def release(self) -> None:
        """Let them go."""
        self._open.set()

    @property
    def batch_ids(self) -> list[BatchId]:
        """Every batch stored, in order of parcels."""
        return [batch.id for parcel in self.parcels.values() for batch in parcel.batches]

    def sinks(self) -> Sequence[Sequence[Sink]]:
        """It is one piece."""
        return [[WholeSink(self)]]

    def insert(self, parcel: Parcel) -> None:
        """Store once by token."""
        with self._lock:
            self.attempts += 1
            failure = self.failures.pop(0) if self.failures else None
        self._open.wait()
        if failure is not None:
            raise failure
        with self._lock:
            self.parcels.setdefault(parcel.token, parcel)

    def load(self, rows: Rows) -> None:
        """Keeps what it was given, by token."""
        self.loaded.setdefault(rows.token, rows)

    def query(self, statement: Statement) -> pl.DataFrame:
        """Nothing, whatever is asked."""
        del statement
        return pl.DataFrame()

    @contextmanager
    def stream(self, statement: Statement) -> Iterator[Iterator[pl.DataFrame]]:
        """Nothing, in no pieces."""
        del statement
        yield iter(())

    def stop(self, mark: str) -> None:
        """Nothing runs."""

    def known(self, keys: Sequence[BatchId]) -> Mapping[BatchId, Receipt]:
        """Keyed batches among what is stored."""
        stored = [batch for parcel in self.parcels.values() for batch in parcel.batches if batch.keyed]
        return {
            batch.id: Receipt(first=batch.first, rows=batch.rows, duplicate=True)
            for batch in stored
            if batch.id in keys
        }

    def retain(self, retention: Retention, now: Nanoseconds) -> Sequence[str]:
        """Keeps everything."""
        del retention, now
        return ()

    def stats(self) -> StoreStats:
        """Rows and parcels; it has no disk."""
        return StoreStats(
            rows=sum(parcel.rows for parcel in self.parcels.values()),
            bytes_on_disk=0,
            bytes_uncompressed=0,
            parts=len(self.parcels),
            partitions=0,
            oldest=None,
            newest=None,
        )

    def close(self) -> None:
        """Nothing to give back."""
