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

__all__ = ["Backlog", "Mark", "Published", "Skipped"]


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of one tenant, in their order."""

    batches: Sequence[Batch]
    foreign: bool
    """Another node has accepted them."""

    @property
    def tenant(self) -> Tenant:
        """Whose they are."""
        return self.batches[0].tenant


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """Batches that nobody will look into, and how many rows they had."""

    tenant: Tenant | None
    """Whose they are; None when that is not known."""
    rows: int
    foreign: bool = False


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
        self._queue: deque[tuple[Batch, bool] | Skipped | Mark] = deque()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Bytes held."""
        return self._bytes

    def mark(self, reached: Callable[[], None]) -> None:
        """Have ``take`` give a ``Mark`` after all that was added before."""
        self._queue.append(Mark(reached=reached))

    def add(self, batch: Batch, *, foreign: bool = False) -> int:
        """Queue a batch; the number of rows skipped instead when there is no room."""
        size = _size(batch)
        # A batch larger than all the room is let in when it is alone: better late than never.
        if self._bytes + size <= self._size or not self._bytes:
            self._queue.append((batch, foreign))
            self._bytes += size
            return 0
        self.skip(Skipped(tenant=batch.tenant, rows=batch.rows, foreign=foreign))
        return batch.rows

    def skip(self, skipped: Skipped) -> None:
        """Rows are missing here. A long overload is one entry, so that the queue stays short."""
        last = self._queue[-1] if self._queue else None
        if isinstance(last, Skipped) and (last.tenant, last.foreign) == (skipped.tenant, skipped.foreign):
            self._queue[-1] = msgspec.structs.replace(last, rows=last.rows + skipped.rows)
        else:
            self._queue.append(skipped)

    def take(self) -> Published | Skipped | Mark | None:
        """The next thing to do; batches of one tenant and one origin that stand together come together. None:
        nothing to do.
        """
        if not self._queue:
            return None
        head = self._queue.popleft()
        if isinstance(head, Skipped | Mark):
            return head
        batch, foreign = head
        batches = [batch]
        size, rows = _size(batch), batch.rows
        while size < self._load_size and rows < self._load_rows:
            following = self._following(batch.tenant, foreign=foreign)
            if following is None:
                break
            batches.append(following)
            size += _size(following)
            rows += following.rows
        self._bytes -= size
        return Published(batches=batches, foreign=foreign)

    def _following(self, tenant: Tenant, *, foreign: bool) -> Batch | None:
        """The next batch, taken out, when it is of the same kind."""
        head = self._queue[0] if self._queue else None
        if head is None or isinstance(head, Skipped | Mark) or (head[0].tenant, head[1]) != (tenant, foreign):
            return None
        self._queue.popleft()
        return head[0]


def _size(batch: Batch) -> int:
    if isinstance(batch.body, Encoded):
        return len(batch.body.lines)
    return int(batch.body.estimated_size())
