"""One subscriber's bounded queue. A slow subscriber loses its own oldest rows, is told how many, and delays
nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable

from logyard.stream.chunk import Chunk, Missed, Watch

__all__ = ["Subscription"]


class Subscription:
    """What the hub fills and one reader empties. All of it on the event loop; only one task may wait in
    ``take``.
    """

    def __init__(self, watch: Watch, *, rows: int, size: int, closed: Callable[["Subscription"], None]) -> None:
        """Hold at most ``rows`` rows and ``size`` bytes. ``closed`` hears of the end, once."""
        self.watch = watch
        self.foreign = True
        """It hears of what other nodes have accepted, too. Set by the hub."""
        self.missed = 0
        """Rows lost so far, for whatever reason."""
        self._max_rows = rows
        self._max_bytes = size
        self._closed = closed
        self._queue: deque[Chunk | Missed] = deque()
        self._lost: Missed | None = None
        self._rows = 0
        self._bytes = 0
        self._reader: asyncio.Future[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    @property
    def group(self) -> tuple[Hashable, bool]:
        """Those of one group get the same."""
        return self.watch.key, self.foreign

    @property
    def open(self) -> bool:
        """False once either side has ended it."""
        return not self._ended

    @property
    def waiting(self) -> int:
        """Rows in the queue."""
        return self._rows

    def offer(self, item: Chunk | Missed) -> int:
        """Queue it, never waiting. The hub's call; the number of rows that had to go for it."""
        if self._ended:
            return 0
        before = self.missed
        self._queue.append(item)
        if isinstance(item, Chunk):
            self._rows += item.rows
            self._bytes += item.bytes
            self._shrink()
        dropped = self.missed - before
        if isinstance(item, Missed):
            self.missed += item.count
        self._notify()
        return dropped

    def finish(self, error: Exception | None = None) -> None:
        """No more will come: the reader gets what is queued, then None or ``error``. The hub's call."""
        if self._ended:
            return
        self._ended = True
        self._error = error
        self._closed(self)
        self._notify()

    async def take(self) -> Chunk | Missed | None:
        """The next rows or notice; None at the end. May be cancelled at any time without losing anything."""
        while True:
            item = self._next()
            if item is not None:
                return item
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    def close(self) -> None:
        """The reader's farewell; what is queued is forgotten."""
        self._queue.clear()
        self._lost = None
        self._rows = self._bytes = 0
        if not self._ended:
            self._ended = True
            self._closed(self)
        self._notify()

    def _next(self) -> Chunk | Missed | None:
        if self._lost is not None:
            lost, self._lost = self._lost, None
            return lost
        if not self._queue:
            return None
        item = self._queue.popleft()
        if isinstance(item, Chunk):
            self._rows -= item.rows
            self._bytes -= item.bytes
        return item

    def _shrink(self) -> None:
        """Drop from the old end until the rest fits. The last row stays, however large it is."""
        while self._rows > self._max_rows or (self._bytes > self._max_bytes and self._rows > 1):
            oldest = self._queue.popleft()
            if isinstance(oldest, Missed):
                self._lose(oldest)
                continue
            excess = max(self._rows - self._max_rows, 1)
            gone, rest = oldest.part(0, excess), oldest.part(excess)
            if rest.rows:
                self._queue.appendleft(rest)
            self._rows -= gone.rows
            self._bytes -= gone.bytes
            self.missed += gone.rows
            self._lose(Missed(count=gone.rows))

    def _lose(self, missed: Missed) -> None:
        self._lost = missed if self._lost is None else self._lost + missed

    def _notify(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
