"""What a replica does not have yet: blocks that wait for it, within a bound."""

from collections import deque
from concurrent.futures import Future

import msgspec

from logyard.errors import LogyardError, NotNow
from logyard.feed.block import Block
from logyard.types import Nanoseconds

__all__ = ["Backlog", "Waiting"]

_BLOCKS = 500
_ROWS = 5_000


class Waiting(msgspec.Struct, frozen=True):
    """A block, and who waits for it to be written."""

    block: Block
    written: Future[None]


class Backlog:
    """Not for several threads at once: its link locks it."""

    def __init__(self, most: int) -> None:
        """``most``: records that may wait. Beyond them nothing waits any more: comparing will find what is missing."""
        self._most = most
        self._waiting: deque[Waiting] = deque()
        self.rows = 0
        self.skipped = 0
        """Records that comparing must find."""
        self._oldest = 0

    @property
    def oldest(self) -> Nanoseconds | None:
        """Arrival of the oldest record that is not there; None when all are."""
        if self.skipped:
            return Nanoseconds(self._oldest)
        return self._waiting[0].block.received if self._waiting else None

    def add(self, block: Block) -> Future[None]:
        """Resolved when it is written, or when it is known that nobody should wait for that."""
        waiting = Waiting(block, Future())
        if self.rows + block.rows > self._most:
            self._oldest = self.oldest or block.received
            self.skipped += self.rows + block.rows
            self.disappoint(NotNow(f"more than {self._most} entries wait for the replica (backlog)"))
            self._waiting.clear()
            self.rows = 0
            waiting.written.set_exception(NotNow("the replica must be compared first"))
            return waiting.written
        self._waiting.append(waiting)
        self.rows += block.rows
        return waiting.written

    def next(self) -> list[Waiting]:
        """The next ones to write, as one; they stay until ``done``."""
        taken: list[Waiting] = []
        rows = 0
        for waiting in self._waiting:
            if taken and (len(taken) == _BLOCKS or rows + waiting.block.rows > _ROWS):
                break
            taken.append(waiting)
            rows += waiting.block.rows
        return taken

    def done(self, written: list[Waiting], error: LogyardError | None = None) -> None:
        """These, the first ones, need no more writing."""
        for waiting in written:
            if self._waiting and self._waiting[0] is waiting:
                self._waiting.popleft()
                self.rows -= waiting.block.rows
            _resolve(waiting.written, error)

    def disappoint(self, error: LogyardError) -> None:
        """Nobody need wait; the blocks stay."""
        for waiting in self._waiting:
            _resolve(waiting.written, error)


def _resolve(written: Future[None], error: LogyardError | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)
