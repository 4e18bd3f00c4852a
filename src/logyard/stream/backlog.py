"""What was published and not yet matched, bounded in bytes. Too much, and batches become a number: rows
that were skipped.

In the same queue stand marks: whoever joins does so at a place in the stream, and sees exactly what is
published after it.
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from logyard.model.batch import Batch, Encoded
from logyard.types import Tenant

__all__ = ["Backlog", "Mark", "Skipped"]


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of one tenant that nobody will look into, and how many rows they had."""

    tenant: Tenant
    rows: int


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the stream that somebody wants to hear of."""

    reached: Callable[[], None]


class Backlog:
    """A queue on the event loop; ``add`` takes microseconds, whatever the batch."""

    def __init__(self, *, size: int, load_size: int, load_rows: int) -> None:
        """Hold at most ``size`` bytes; hand out batches together up to ``load_size`` bytes or ``load_rows``
        rows.
        """
        self._size = size
        self._load_size = load_size
        self._load_rows = load_rows
        self._queue: deque[Batch | Skipped | Mark] = deque()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Bytes held."""
        return self._bytes

    def mark(self, reached: Callable[[], None]) -> None:
        """Have ``take`` give a ``Mark`` after all that was added before."""
        self._queue.append(Mark(reached=reached))

    def add(self, batch: Batch) -> int:
        """Queue a batch; the number of rows skipped instead when there is no room."""
        size = _size(batch)
        # A batch larger than all the room is let in when it is alone: better late than never.
        if self._bytes + size <= self._size or not self._bytes:
            self._queue.append(batch)
            self._bytes += size
            return 0
        self._skip(Skipped(tenant=batch.tenant, rows=batch.rows))
        return batch.rows

    def _skip(self, skipped: Skipped) -> None:
        """A long overload is one entry, so that the queue stays short."""
        last = self._queue[-1]
        if isinstance(last, Skipped) and last.tenant == skipped.tenant:
            self._queue[-1] = Skipped(tenant=skipped.tenant, rows=last.rows + skipped.rows)
        else:
            self._queue.append(skipped)

    def take(self) -> Sequence[Batch] | Skipped | Mark | None:
        """The next thing to do; batches of one tenant that stand together come together. None: nothing to
        do.
        """
        if not self._queue:
            return None
        head = self._queue.popleft()
        if not isinstance(head, Batch):
            return head
        batches = [head]
        size, rows = _size(head), head.rows
        while self._queue and size < self._load_size and rows < self._load_rows:
            following = self._queue[0]
            if not isinstance(following, Batch) or following.tenant != head.tenant:
                break
            batches.append(following)
            size += _size(following)
            rows += following.rows
            self._queue.popleft()
        self._bytes -= size
        return batches


def _size(batch: Batch) -> int:
    if isinstance(batch.body, Encoded):
        return len(batch.body.lines)
    return int(batch.body.estimated_size())
