"""The joints of Logyard, on one page. Everything plugs in here; built-ins use what a stranger uses.

A joint is called with batches, never with single records. Nothing here is called from two places at once unless its
contract says so. Every method may raise ``LogyardError``; what each kind means is in ``errors.py``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
import polars as pl

from logyard.clock import Clock
from logyard.model.batch import Batch, Encoded, Receipt
from logyard.telemetry import Telemetry
from logyard.types import BatchId, Nanoseconds, Tenant

__all__ = [
    "Format",
    "Inlet",
    "Output",
    "Parcel",
    "Place",
    "Receiver",
    "Resuming",
    "Retention",
    "Statement",
    "Step",
    "Store",
    "StoreStats",
    "Submission",
    "Tap",
]


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver hands in: records, and what it knows about them as a whole."""

    body: Encoded | pl.DataFrame
    tenant: Tenant = Tenant("")
    key: str = ""
    """The sender's idempotency key. The same key again, at any time, stores nothing and gets the first answer again."""
    mark: str = ""
    """Where the receiver would go on after this; becomes durable with the records, or not at all (``Resuming``)."""


class Inlet(Protocol):
    """The way in. Called by receivers, concurrently."""

    async def accept(self, submission: Submission) -> Receipt:
        """Return when the records would survive a crash: the return is the acknowledgement.

        Raises ``NotNow`` (nothing was kept, send it again later) or ``BadInput`` (never send this again). A cancelled
        call may or may not have kept the records. Order between concurrent calls is not promised.
        """
        ...


@runtime_checkable
class Receiver(Protocol):
    """A way in that runs by itself: a socket, a file, a bus. HTTP receivers return routes instead."""

    async def run(self, inlet: Inlet) -> None:
        """Take records in until cancelled. Acknowledge to the sender only after ``inlet.accept`` returned."""
        ...


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver that resumes is given."""

    directory: Path
    """Its own, for what it must remember; there."""
    marks: Sequence[str]
    """What it said with batches that still lie in the log, oldest first: newer than anything it has saved itself."""
    clock: Clock
    telemetry: Telemetry


@runtime_checkable
class Resuming(Receiver, Protocol):
    """A receiver that goes on where it was: it reads a source that keeps still, and must read nothing twice.

    It hands in a ``mark`` with each submission. Records and mark become durable together; while the log holds the
    batch it holds the mark. Before the log lets go of a batch, ``settle`` makes the mark durable in another place. So
    there is no moment at which a crash could part what was read from where reading goes on.
    """

    def resume(self, place: Place) -> None:
        """Called once, before ``run``."""
        ...

    def settle(self, marks: Sequence[str]) -> None:
        """Return when these marks, or newer ones, are durable. Any thread, also while ``run`` runs. Raises ``NotNow``
        to keep the batches in the log.
        """
        ...


class Format(Protocol):
    """Bytes into records. Pure: no state, no clock, any thread."""

    def decode(self, payload: bytes) -> Encoded | pl.DataFrame:
        """Raises nothing but ``BadPayload``, whatever the bytes."""
        ...


class Step(Protocol):
    """One verb of a pipeline. Pure: a frame in the canonical schema in, one out; any thread."""

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """May drop, add or change rows; must leave a frame in the canonical schema. Never raises for a bad record: the
        record keeps all it had and gains the attribute ``processing_error``.
        """
        ...


class Output(Protocol):
    """A way out; ``outputs/forward.py`` drives it. The same batch comes again after a failure, and after a crash, with
    the same ``id``: an output whose other side can drop repetitions hands the id on.
    """

    async def open(self) -> None:
        """Get ready: sessions, topics. Called once, on the loop that ``write`` is called on. Does not wait for the
        other side to be there.
        """
        ...

    async def write(self, batch: Batch) -> None:
        """Return when the other side has it for good.

        Several batches may be under way at once, never two of the same source. ``NotNow`` is tried again, ``TooLarge``
        is tried in two halves, any other ``BadInput`` goes to the dead letters. A cancelled call may have delivered.
        """
        ...

    async def close(self) -> None:
        """Nothing is called afterwards."""
        ...


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What the drain hands to a store: one sealed WAL segment, whole."""

    token: str
    """The same token again is the same parcel again, and is stored once."""
    path: Path
    """The segment's file, in the layout of docs/formats/wal.md; stays until ``insert`` has returned."""
    batches: Sequence[Batch]
    """The segment's batches. Their bodies are views of the file: nothing is decoded until someone asks."""

    @property
    def rows(self) -> int:
        """Records in all."""
        return sum(batch.rows for batch in self.batches)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the engine, in ClickHouse SQL, literals already in it."""

    sql: str
    settings: Mapping[str, str | int] = {}
    """Engine settings, limits among them: ``max_execution_time``, ``max_rows_to_read`` ..."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long records stay; 0 switches a rule off. What goes, goes by whole days, oldest first."""

    age_days: float = 0
    max_bytes: int = 0
    max_disk_percent: float = 0


class StoreStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored."""

    rows: int
    bytes_on_disk: int
    bytes_uncompressed: int
    parts: int
    partitions: int
    oldest: Nanoseconds | None
    newest: Nanoseconds | None


class Store(Protocol):
    """The engine. Blocking; called from worker threads, concurrently. Parcels that are inserted at once are different
    ones.
    """

    def insert(self, parcel: Parcel) -> None:
        """Return when every record of the parcel can be found and would survive a power cut.

        Exactly once by ``parcel.token``, and by ``batch.id`` for keyed batches. ``NotNow`` (disk full, engine busy):
        the same parcel will come again. ``BadInput``: it never will; the drain puts it aside, visibly.
        """
        ...

    def query(self, statement: Statement) -> pl.DataFrame:
        """The whole answer. Raises ``BadQuery``, ``QueryStopped`` or ``StoreFailed``."""
        ...

    def stream(self, statement: Statement) -> AbstractContextManager[Iterator[pl.DataFrame]]:
        """The answer in pieces. Leaving the context stops the engine's work for it."""
        ...

    def known(self, keys: Sequence[BatchId]) -> Mapping[BatchId, Receipt]:
        """Which of these keyed batches are stored, and what they got."""
        ...

    def retain(self, retention: Retention, now: Nanoseconds) -> Sequence[str]:
        """Drop what the rules say; the partitions that went."""
        ...

    def stats(self) -> StoreStats:
        """Cheap enough to be asked every second."""
        ...

    def close(self) -> None:
        """Nothing may be called afterwards."""
        ...


class Tap(Protocol):
    """The live side: told of every batch after its commit."""

    def publish(self, batch: Batch) -> None:
        """Must return at once and never raise; called on the event loop, in the order of acknowledgement."""
        ...
