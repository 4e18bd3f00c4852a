"""What waits to be sent: bounded by records and by bytes, together for what is caught, written and frozen in batches.

``put`` is the hot path: it takes no lock (an append to a deque is atomic, and a signal handler or a finalizer that logs
in the middle of it can do no harm) and wakes the sender only when it sleeps or has much to do. The byte count of
callers is therefore approximate between two takes, and is set right by each.

Counts have one writer each: the sender writes what it took in and what left it, callers that must drop write under a
lock of their own.
"""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Final, Literal

from logyard.handler.batch import Batch
from logyard.handler.record import Caught
from logyard.handler.settings import Settings

__all__ = ["Item", "Mark", "Waiting"]

_WAKE_RECORDS: Final = 1000


class Mark:
    """Stands in the queue behind everything that a flush waits for."""

    def __init__(self) -> None:
        self.target = -1
        """Records that must have left; -1 until the sender has met the mark."""
        self.done: SimpleQueue[Literal["settled", "failed"]] = SimpleQueue()
        """One word, once it is known."""


Item = Caught | str | Mark


class Waiting:
    """Callers use ``put`` and ``mark``; all else is the sender's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._most_records = self._inbox_most = settings.max_records
        self._most_bytes = settings.max_bytes
        self._wake_at = self._wake_bytes = 1
        self._inbox: deque[tuple[int, Item]] = deque()
        self._bytes = 0
        self._batches: deque[Batch] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._asleep = False
        self._called = False
        self._room: deque[SimpleQueue[None]] = deque()
        self._dropping = threading.RLock()
        self.dropped: Counter[str] = Counter()
        """By callers, for want of room."""
        self._held = self._held_bytes = self._left = self._left_bytes = self._lost = self._lost_bytes = 0

    # ---- callers

    def put(self, item: Item, size: int) -> None:
        """Take one in, or do what the policy says. ``size`` in bytes, about."""
        inbox = self._inbox
        if len(inbox) < self._inbox_most and self._bytes + size < self._most_bytes:
            self._bytes += size
            inbox.append((size, item))
            if self._asleep or (not self._called and (len(inbox) >= self._wake_at or self._bytes >= self._wake_bytes)):
                self.wake()
        else:
            self._overflow(item, size)

    def mark(self) -> Mark:
        """Ask for everything before this moment to be sent at once."""
        mark = Mark()
        self._inbox.append((0, mark))
        self.wake()
        return mark

    def wake(self) -> None:
        """The sender has something to do."""
        self._called, self._asleep = True, False
        self._wake.put(None)

    @property
    def count(self) -> int:
        """Records that wait, in any form."""
        return len(self._inbox) + self.held

    @property
    def held(self) -> int:
        """Of these, the ones that the sender has taken and not settled."""
        return self._held - self._left - self._lost

    @property
    def held_bytes(self) -> int:
        """Their size."""
        return self._held_bytes - self._left_bytes - self._lost_bytes

    @property
    def settled(self) -> int:
        """Records that the sender took and that are gone: sent, spooled or dropped."""
        return self._left + self._lost

    def _fits(self, size: int) -> bool:
        return self.count < self._most_records and self._bytes + size < self._most_bytes

    def _overflow(self, item: Item, size: int) -> None:
        policy = self._settings.dropping
        if policy == "drop_oldest":
            self._make_room(size)
        elif policy in {"block", "spill"} and asyncio._get_running_loop() is None:  # noqa: SLF001 - a loop must not wait
            self._wait_for_room(size)
        if not self._fits(size):
            self._count_dropped(1)
            return
        self._bytes += size
        self._inbox.append((size, item))
        if self._asleep:
            self.wake()

    def _make_room(self, size: int) -> None:
        """Drop the oldest: a whole batch where there is one, else single records."""
        with self._dropping:
            while not self._fits(size) and (self._drop_batch() or self._drop_record()):
                pass

    def _drop_batch(self) -> bool:
        try:
            batch = self._batches.popleft()
        except IndexError:
            return False
        self._lost += batch.count
        self._lost_bytes += len(batch.body)
        self._bytes -= len(batch.body)
        self._inbox_most = self._most_records - self.held
        self._count_dropped(batch.count)
        return True

    def _drop_record(self) -> bool:
        try:
            size, item = self._inbox.popleft()
        except IndexError:
            return False
        if isinstance(item, Mark):
            self._inbox.append((0, item))  # it waits for what is there now
            return len(self._inbox) > 1
        self._bytes -= size
        self._count_dropped(1)
        return True

    def _count_dropped(self, count: int) -> None:
        with self._dropping:
            self.dropped["full"] += count

    def _wait_for_room(self, size: int) -> None:
        deadline = time.monotonic() + self._settings.block_seconds
        while not self._fits(size):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            mine: SimpleQueue[None] = SimpleQueue()
            self._room.append(mine)
            self.wake()
            try:
                mine.get(timeout=left)
            except Empty:
                return

    # ---- the sender

    def sleep(self, seconds: float | None, lines: int = 0) -> None:
        """Until somebody has something to do, or so long. None: no record is in hand, so the first one wakes.

        ``lines``: how many are in hand; callers wake when a batch is full.
        """
        self._wake_at = max(1, min(_WAKE_RECORDS, self._settings.batch_records - lines))
        self._wake_bytes = self.held_bytes + self._settings.batch_bytes
        if seconds is None:
            self._asleep = True
            if self._inbox:
                self._asleep = False
                return
        try:
            self._wake.get(timeout=seconds)
        except Empty:
            return
        while not self._wake.empty():
            self._wake.get()

    def take(self) -> Sequence[Item]:
        """Everything that callers have put in."""
        inbox, taken, size = self._inbox, list[Item](), 0
        self._called = False
        try:
            for _ in range(len(inbox)):
                each, item = inbox.popleft()
                size += each
                taken.append(item)
        except IndexError:
            pass  # a caller has dropped some meanwhile
        self._bytes = self.held_bytes if not inbox else max(0, self._bytes - size)
        return taken

    def written(self, records: int, size: int) -> None:
        """So many have become lines."""
        self._held += records
        self._held_bytes += size
        self._bytes += size
        self._inbox_most = self._most_records - self.held

    def resized(self, size: int) -> None:
        """Lines have become batches, which differ by so many bytes."""
        self._held_bytes += size

    def hold(self, batch: Batch, *, first: bool = False) -> None:
        """Keep a batch until it can be sent; ``first``: before all others."""
        if first:
            self._batches.appendleft(batch)
        else:
            self._batches.append(batch)

    def next(self) -> Batch | None:
        """The oldest batch."""
        try:
            return self._batches.popleft()
        except IndexError:
            return None

    def left(self, records: int, size: int) -> None:
        """So many are settled."""
        self._left += records
        self._left_bytes += size
        self._bytes = max(0, self._bytes - size)
        self._inbox_most = self._most_records - self.held
        while self._room:
            self._room.popleft().put(None)
