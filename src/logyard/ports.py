"""The joints of Logyard, on one page. Everything plugs in here; built-ins use what a stranger uses.

A joint is called with batches, never with single records. Nothing here is called from two places at once unless its
contract says so. Every method may raise ``LogyardError``; what each kind means is in ``errors.py``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import msgspec
import polars as pl

from logyard.clock import Clock
from logyard.model.batch import Batch, Encoded, Receipt
from logyard.model.civil.customs import Customs
from logyard.model.handover import Decoded, Refused, Submission
from logyard.model.storage import BufferStats, Parcel, Retention, Rows, Statement, StoreStats
from logyard.telemetry import Telemetry
from logyard.types import BatchId, Nanoseconds

__all__ = [
    "Buffer",
    "BufferStats",
    "Decoded",
    "Format",
    "Inlet",
    "LineFormat",
    "Output",
    "Parcel",
    "Place",
    "Receiver",
    "Refused",
    "Resuming",
    "Retention",
    "Rows",
    "Sealed",
    "Sink",
    "SinkState",
    "Statement",
    "Step",
    "Store",
    "StoreStats",
    "Submission",
    "Tap",
]


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
    """What a part that remembers is given."""

    directory: Path
    """Its own, for what it must remember; there."""
    marks: Sequence[str] = ()
    """What a receiver said with batches that still lie in the log, oldest first: newer than anything it has saved."""
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


class LineFormat(Protocol):
    """Lines into records. Called with batches of one source's lines, never concurrently; no I/O, no clock."""

    rank: int
    """Of two formats that fit a line, the one with the higher rank says more about it."""

    def fits(self, lines: pl.Series) -> pl.Series:
        """A cheap guess, a boolean a line: which are of this format. Asked of samples only."""
        ...

    def decode(self, lines: pl.Series, customs: Customs) -> Decoded:
        """The records of the lines that fit, whatever the lines. Never raises for a line."""
        ...


class Step(Protocol):
    """One verb of a pipeline: a frame in the canonical schema in, one out; any thread. No I/O for a record."""

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """May drop, add or change rows. Columns behind those of the schema stay with their rows. Never raises for a bad
        record: it keeps all it had and gains ``processing_error`` (``pipeline/chain.py`` helps where a step raises).
        """
        ...


class Output(Protocol):
    """A way out; ``outputs/forward.py`` drives it. The same batch comes again after a failure, and after a crash, with
    the same ``id``: an output whose other side can drop repetitions hands the id on.
    """

    async def open(self, place: Place) -> None:
        """Get ready: sessions, files. Called on the loop that ``write`` is called on, again when it raised. Does not
        wait for the other side to be there.
        """
        ...

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the other side has them for good, with the records that it never will take.

        At least one batch. Several calls may be under way at once, never two with batches of the same source.
        ``NotNow`` is tried again, ``TooLarge`` in two halves; a batch with any other ``BadInput`` goes to the dead
        letters, as refused records do. A cancelled call may have delivered.
        """
        ...

    async def close(self) -> None:
        """Nothing is called afterwards."""
        ...


class Sealed(Protocol):
    """A run of batches that is complete: what a buffer hands to its readers, and a store takes as one parcel."""

    @property
    def number(self) -> int:
        """Its place among the others; a later one's is higher."""
        ...

    @property
    def token(self) -> str:
        """The same for ever, whoever reads it, and no other's."""
        ...

    @property
    def path(self) -> Path:
        """A file of its batches on this machine, in the layout of docs/formats/wal.md. Whoever hands it to the engine
        calls ``batches`` first.
        """
        ...

    @property
    def rows(self) -> int:
        """Records in all."""
        ...

    @property
    def received(self) -> int:
        """Arrival of the first batch, nanoseconds since 1970."""
        ...

    @property
    def marks(self) -> Sequence[str]:
        """What receivers said with its batches, oldest first (``Resuming``)."""
        ...

    def batches(self) -> list[Batch]:
        """Every batch that verifies, in order. Raises ``StoreFailed`` when the file cannot be read."""
        ...


class Buffer(Protocol):
    """The ingest log: where a batch is durable before it is acknowledged, until every cursor has passed it.

    ``append`` on an event loop, concurrently; everything else on any thread. One process at a time: a local log is
    locked, a remote one refuses whoever was there before.
    """

    async def append(self, batch: Batch, committed: Callable[[int], None] | None = None) -> int:
        """The batch's position, 1 and up, once it is durable. Positions are counted anew in each process.
        ``committed`` hears of it first, on the event loop, in the order of positions, even when the caller has gone; it
        must return at once and not raise.

        Raises ``NotNow`` in all its kinds within a bounded time: this process will never show the batch to a reader
        (a successor may, for it cannot know that nobody was told). ``TooLarge``: it never will be kept. A cancelled
        call may still have kept the batch. ``batch`` must hold at least one record.
        """
        ...

    def position(self) -> int:
        """The highest acknowledged position."""
        ...

    def seal(self) -> None:
        """Ask for what is open now to be sealed; returns at once. ``wait`` tells when it is."""
        ...

    def register(self, cursor: str) -> None:
        """Make a cursor known, for good; a new one starts at the oldest segment. Register all before the first
        advances. Raises ``NotNow``, ``ValueError``.
        """
        ...

    def sealed(self, cursor: str) -> Sequence[Sealed]:
        """Sealed segments that the cursor has not passed, in order."""
        ...

    def wait(self, cursor: str, timeout: float, *, after: int = -1) -> Sequence[Sealed]:
        """As ``sealed``, of segments with a number above ``after``, but blocks until there is one; empty after
        ``timeout`` seconds, ``wake`` or ``close``.
        """
        ...

    def wake(self) -> None:
        """End every ``wait`` that is going on, or each cursor's next."""
        ...

    def forget(self, cursor: str) -> None:
        """The reader is gone for good: its cursor holds nothing any more. Raises ``OSError`` or ``NotNow``."""
        ...

    def advance(self, cursor: str, segment: Sealed) -> None:
        """The cursor has passed the segment and all before it. Raises ``NotNow``: it has not.

        A crash may bring back what was passed lately, with the same tokens and the same bytes. What all cursors have
        passed goes. May be called after ``close``.
        """
        ...

    def passed(self, cursor: str) -> int:
        """The cursor has passed every batch up to this position."""
        ...

    def marks(self) -> Sequence[str]:
        """What receivers said with the batches that are here, oldest first."""
        ...

    def before_release(self, settle: Callable[[Sequence[str]], None]) -> None:
        """Call ``settle`` with a segment's marks before its last cursor passes it: ``advance`` raises what it raises,
        and the segment stays.
        """
        ...

    def keyed_backlog(self) -> Mapping[BatchId, Receipt]:
        """What the keyed batches got that are here now, open segments included. Reads files."""
        ...

    def stats(self) -> BufferStats:
        """Cheap enough to be asked every second."""
        ...

    @property
    def trouble(self) -> str:
        """Why nothing can be kept at the moment; "" while it can."""
        ...

    @property
    def alive(self) -> bool:
        """False when it will take nothing any more; what it has can still be read."""
        ...

    def close(self) -> None:
        """Write what is queued, seal, stop. Reading and advancing go on working; waiting returns at once."""
        ...

    def release(self) -> None:
        """``close``, and let go of what a successor needs. Nothing may be called afterwards."""
        ...


SinkState = Literal["ready", "behind", "away"]
"""``ready``: what it has taken is what queries see. ``behind``: it must first take what its siblings have; no query is
answered from it meanwhile. ``away``: it cannot be reached.
"""


class Sink(Protocol):
    """One place that records go to, at its own pace: the drain keeps a cursor of the log for each.

    Blocking; called from the threads of its drain, concurrently, with different parcels.
    """

    @property
    def name(self) -> str:
        """The name of its cursor. The same name after a restart is the same place."""
        ...

    @property
    def state(self) -> SinkState:
        """Whether queries see what it has. Any thread, at once."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not ready, in words; "" when it is. Any thread, at once."""
        ...

    def wants(self, token: str, received: Nanoseconds) -> bool:
        """Whether a parcel of this token and arrival has anything for it. The same answer whenever it is asked."""
        ...

    def insert(self, parcel: Parcel) -> None:
        """Return when its part of the parcel is stored; the contract of ``Store.insert``."""
        ...

    def passed(self, position: int) -> None:
        """Everything up to this position of the log is stored here. Told at the start, and whenever it grows."""
        ...


class Store(Protocol):
    """The engine. Blocking; called from worker threads, concurrently. Parcels that are inserted at once are different
    ones.
    """

    def sinks(self) -> Sequence[Sequence[Sink]]:
        """Where the drain brings parcels, in groups. A record goes to each sink of one group: those are replicas."""
        ...

    def insert(self, parcel: Parcel) -> None:
        """Return when every record of the parcel can be found and would survive a power cut: every sink has it.

        Exactly once by ``parcel.token``, and by ``batch.id`` for keyed batches. ``NotNow`` (disk full, engine busy):
        the same parcel will come again. ``BadInput``: it never will; the drain puts it aside, visibly.
        """
        ...

    def load(self, rows: Rows) -> None:
        """Store rows as they are: what a move or an import brings. Promises and errors are those of ``insert``.

        Whether a row is there already is the caller's question (``store/loading.py``); the token only makes a repeated
        try harmless.
        """
        ...

    def query(self, statement: Statement) -> pl.DataFrame:
        """The whole answer. Raises ``BadQuery``, ``QueryStopped``, ``StoreFailed``, or ``NotNow`` while a part of the
        store is away.
        """
        ...

    def stream(self, statement: Statement) -> AbstractContextManager[Iterator[pl.DataFrame]]:
        """The answer in pieces. Leaving the context stops the engine's work for it."""
        ...

    def stop(self, mark: str) -> None:
        """End the statements whose setting ``log_comment`` is ``mark``; they may be done already."""
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
