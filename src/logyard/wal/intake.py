"""The bounded queue between those who append, on the event loop, and the one thread that writes."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

from logyard.errors import Backpressure, Closing, LogyardError
from logyard.model.batch import Batch
from logyard.wal.record import Form

__all__ = ["Intake", "Pending", "Work"]


@dataclass(slots=True, frozen=True, eq=False)
class Pending:
    """A batch on its way, and who waits for it."""

    batch: Batch
    form: Form
    body: bytes | memoryview
    future: asyncio.Future[int]
    loop: asyncio.AbstractEventLoop
    committed: Callable[[int], None] | None = None
    """Told of the position once it is durable, before whoever waits, and even if nobody waits any more."""


@dataclass(slots=True, frozen=True)
class Work:
    """What the writer finds when it looks."""

    items: list[Pending]
    seal: bool
    closing: bool


class Intake:
    """First in, first out. Any thread puts, one takes."""

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` of bodies may wait; a single larger one may wait alone."""
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._items: list[Pending] = []
        self._bytes = 0
        self._seal = False
        self._closing = False
        self._failure: LogyardError | None = None

    @property
    def bytes(self) -> int:
        """Bytes of bodies that are not committed yet."""
        return self._bytes

    @property
    def closing(self) -> bool:
        """Nothing new is taken."""
        return self._closing

    def put(self, item: Pending) -> None:
        """Raises ``Backpressure``, ``Closing``, or what ``fail`` was given."""
        size = len(item.body)
        with self._changed:
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if self._closing:
                raise Closing("the write-ahead log is closing")
            if self._bytes and self._bytes + size > self._max_bytes:
                raise Backpressure(f"{self._bytes} bytes wait for the disk (wal.max_pending_bytes)")
            self._bytes += size
            self._items.append(item)
            alone = len(self._items) == 1
        if alone:
            # Not at once: whoever else is ready in this turn of the loop shares the commit.
            item.loop.call_soon(self._tell)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify()

    def seal(self) -> None:
        """Ask the writer to seal after what is in the queue now."""
        with self._changed:
            self._seal = True
            self._changed.notify()

    def close(self) -> None:
        """Take nothing new; what is queued will still be written."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def fail(self, error: LogyardError) -> list[Pending]:
        """The writer is gone: refuse everything from now on with this; what was left."""
        with self._changed:
            self._failure = error
            left, self._items = self._items, []
            return left

    def take(self, patience: float | None) -> Work:
        """Everything queued; waits until there is something to do, at most ``patience`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._seal or self._closing, patience)
            work = Work(self._items, self._seal, self._closing)
            self._items = []
            self._seal = False
            return work

    def rest(self) -> None:
        """Wait for ``close``."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until ``close``."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)

    def release(self, items: list[Pending]) -> None:
        """These are done with: their room is free."""
        with self._changed:
            self._bytes -= sum(len(item.body) for item in items)
