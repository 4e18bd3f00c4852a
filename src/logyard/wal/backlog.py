"""What is in the log and not yet passed: the segments, the cursors over them, and who waits for more.

Nothing here writes a frame. The writer tells of commits and seals; readers wait, read and advance. When
every cursor has passed a segment, its file goes.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from logyard.errors import NotNow
from logyard.model.batch import Batch, Receipt
from logyard.ports import Sealed
from logyard.types import BatchId
from logyard.wal.cursor import CursorTable
from logyard.wal.record import Form
from logyard.wal.segment import Segment
from logyard.wal.settings import Site

__all__ = ["Backlog", "Contents", "Settle"]

Settle = Callable[[Sequence[str]], None]
"""Makes what marks say durable. Any thread; raises ``NotNow``."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """A look at the backlog. Bytes, records, segments; lags in seconds."""

    bytes: int
    rows: int
    segments: int
    lag: dict[str, float]
    corrupt: int


class Backlog:
    """Thread-safe. ``bytes`` and ``position`` may be read without waiting."""

    def __init__(self, site: Site, cursors: CursorTable, segments: Sequence[Segment]) -> None:
        """``segments`` are those that recovery found, all sealed, in order."""
        self._site = site
        self._cursors = cursors
        self._changed = threading.Condition()
        self._sealed = list(segments)
        self._open: dict[Form, Segment] = {}
        self._woken: set[str] = set()
        self._closed = False
        self._gone_corrupt = 0
        self._settle: Settle = _nothing
        self.bytes = sum(segment.bytes for segment in segments)
        """Bytes that some cursor has not passed."""
        self.position = segments[-1].last_position if segments else 0
        """Highest acknowledged position."""

    # The writer's side.

    def begin(self, segment: Segment) -> None:
        """A segment is open; it holds nothing yet."""
        with self._changed:
            self._open[segment.form] = segment

    def commit(self, segment: Segment, batches: Sequence[Batch], size: int) -> int:
        """These are durable in an open segment, as ``size`` bytes. The position of the first; the others
        follow.
        """
        with self._changed:
            first = self.position + 1
            if not segment.first_position:
                segment.first_position = first
                segment.received = batches[0].received
                segment.token = token_of(segment, batches[0].id)
            self.position += len(batches)
            segment.last_position = self.position
            segment.bytes += size
            segment.rows += sum(batch.rows for batch in batches)
            segment.keyed += sum(batch.keyed for batch in batches)
            segment.marks += [batch.mark for batch in batches if batch.mark]
            self.bytes += size
            return first

    def seal(self, segment: Segment) -> None:
        """An open segment is complete: the transition, and its readers hear. Raises no ``OSError``.

        The rename is done under the lock, so that nobody looks for the file at the name it had. When it
        fails, the file is read where it is, and the next start renames it.
        """
        target = segment.path.with_suffix(".sealed")
        with self._changed:
            del self._open[segment.form]
            with contextlib.suppress(OSError):
                self._site.disk.rename(segment.path, target)
                segment.path = target
            self._sealed.append(segment)
            self._changed.notify_all()

    def drop(self, segment: Segment) -> None:
        """An open segment that holds nothing is given up."""
        with self._changed:
            del self._open[segment.form]
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more will come: nobody waits any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # The readers' side.

    def sealed(self, cursor: str) -> list[Segment]:
        """Sealed segments that the cursor has not passed, in order."""
        with self._changed:
            return self._ahead(cursor)

    def wait(self, cursor: str, timeout: float, *, after: int = -1) -> list[Segment]:
        """As ``sealed``, of segments with a number above ``after``, but waits until there is one; empty after
        ``timeout`` seconds, ``wake`` or ``close``.
        """

        def ahead() -> list[Segment]:
            return [segment for segment in self._ahead(cursor) if segment.number > after]

        with self._changed:
            self._changed.wait_for(lambda: self._closed or cursor in self._woken or ahead(), timeout)
            self._woken.discard(cursor)
            return ahead()

    def wake(self) -> None:
        """End the waits: each cursor's present one, or its next."""
        with self._changed:
            self._woken.update(self._cursors.all())
            self._changed.notify_all()

    def register(self, cursor: str) -> None:
        """Make the cursor, at the oldest segment, unless it is known. Raises ``NotNow``, ``ValueError``."""
        with self._changed:
            if cursor in self._cursors.all():
                return
            numbers = [segment.number for segment in (*self._sealed, *self._open.values())]
            self._move(cursor, min(numbers, default=0))

    def forget(self, cursor: str) -> None:
        """Remove the cursor for good; what only it held goes."""
        self._cursors.remove(cursor)
        self._drop()

    def advance(self, cursor: str, segment: Sealed) -> None:
        """The cursor has passed the segment, for good. Raises ``NotNow`` when that could not be written."""
        after = segment.number + 1
        if after <= self._cursors.next(cursor):
            return
        others = [number for name, number in self._cursors.all().items() if name != cursor]
        if segment.marks and min(others, default=after) >= after:
            self._settle(segment.marks)  # the last who needs it: what it says must be durable elsewhere first
        try:
            self._move(cursor, after)
        except NotNow:
            if min(others, default=after) < after:
                raise
            # The disk may be full of this very segment, which nobody needs any more: with the file gone
            # for good, a start that reads the old cursor finds nothing to read again.
            self._remove(segment)
            self._cursors.pass_over(cursor, after)
        self._drop()

    def discard_passed(self) -> None:
        """Delete what every cursor has passed before this process came."""
        self._drop()

    def marks(self) -> list[str]:
        """What receivers said with the batches that some cursor has not passed, oldest first."""
        with self._changed:
            return [mark for segment in self._all() for mark in segment.marks]

    def before_release(self, settle: Settle) -> None:
        """Call ``settle`` with a segment's marks before its last cursor passes it."""
        self._settle = settle

    def passed(self, cursor: str) -> int:
        """The cursor has passed every batch up to this position."""
        with self._changed:
            after = self._cursors.next(cursor)
            ahead = (segment for segment in self._all() if segment.number >= after)
            return min((segment.first_position - 1 for segment in ahead), default=self.position)

    def receipts(self) -> dict[BatchId, Receipt]:
        """What the keyed batches in the log got; reads the segments that hold any."""
        with self._changed:
            segments = [segment for segment in self._all() if segment.keyed]
        found: dict[BatchId, Receipt] = {}
        for segment in segments:
            found |= self._receipts(segment)
        return found

    def contents(self) -> Contents:
        """What there is now."""
        with self._changed:
            segments = self._all()
            cursors = self._cursors.all()
            return Contents(
                bytes=self.bytes,
                rows=sum(segment.rows for segment in segments),
                segments=len(segments),
                lag={name: self._lag(after) for name, after in cursors.items()},
                corrupt=self._gone_corrupt + sum(segment.corrupt for segment in segments),
            )

    def _ahead(self, cursor: str) -> list[Segment]:
        after = self._cursors.next(cursor)
        return [segment for segment in self._sealed if segment.number >= after]

    def _all(self) -> list[Segment]:
        """Sealed ones, and open ones that hold something."""
        return [*self._sealed, *(segment for segment in self._open.values() if segment.bytes)]

    def _lag(self, after: int) -> float:
        oldest = min((segment.received for segment in self._all() if segment.number >= after), default=None)
        return 0.0 if oldest is None else max(0.0, (self._site.clock.now() - oldest) / 1e9)

    def _move(self, cursor: str, number: int) -> None:
        try:
            self._cursors.set(cursor, number)
        except OSError as error:
            raise NotNow(f"cannot move cursor {cursor}: {error}") from error

    def _receipts(self, segment: Segment) -> dict[BatchId, Receipt]:
        path = segment.path
        try:
            return segment.receipts()
        except FileNotFoundError:
            if not self._has_moved(segment, path):
                return {}  # passed by all in this very moment
        return self._receipts(segment)

    def _has_moved(self, segment: Segment, path: Path) -> bool:
        """It was sealed while somebody looked for it at ``path``: it moves once."""
        with self._changed:
            return segment.path != path

    def _remove(self, segment: Sealed) -> None:
        """Delete a file that nobody needs, durably. Raises ``NotNow``."""
        try:
            self._site.disk.unlink(segment.path)
            self._site.disk.sync_directory(self._site.directory)
        except OSError as error:
            raise NotNow(f"cannot remove {segment.path.name}: {error}") from error

    def _drop(self) -> None:
        """Delete what every cursor has passed."""
        with self._changed:
            low = self._cursors.low()
            gone = [segment for segment in self._sealed if segment.number < low]
            self._sealed = self._sealed[len(gone) :]
            self._gone_corrupt += sum(segment.corrupt for segment in gone)
            self.bytes = sum(segment.bytes for segment in self._all())
        for segment in gone:
            # A name that cannot be removed now goes with the next start: it lies below every cursor.
            with contextlib.suppress(OSError):
                self._site.disk.unlink(segment.path)


def token_of(segment: Segment, first: bytes) -> str:
    """A name that no other segment ever has, even one of the same number in a log begun anew."""
    return f"{segment.number:020d}.{segment.form}.{first.hex()}"


def _nothing(_: Sequence[str]) -> None:
    """Nobody has anything to settle."""
