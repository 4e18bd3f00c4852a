"""The write-ahead log, as the rest of Logyard sees it."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from logyard.clock import Clock
from logyard.errors import Backpressure, DiskFull, StoreFailed
from logyard.model.batch import Batch, Encoded, Receipt
from logyard.ports import BufferStats, Sealed
from logyard.types import BatchId
from logyard.wal.backlog import Backlog, Settle
from logyard.wal.cursor import Cursors
from logyard.wal.disk import Disk
from logyard.wal.intake import Intake, Pending
from logyard.wal.record import body_of, check, form_of
from logyard.wal.recover import RecoveryReport, recover
from logyard.wal.segment import Segment
from logyard.wal.settings import Site, WalSettings
from logyard.wal.writer import Writer, WriterStats

__all__ = ["LogWriter", "Parts", "RecoveryReport", "Segment", "Wal", "WalSettings"]

_INLINE_ROWS: Final = 1_000  # a frame up to this size is encoded on the event loop: less than a millisecond
_LOOK_SECONDS: Final = 0.5
_LOOK_BYTES: Final = 16 << 20


class LogWriter(Protocol):
    """The one thread that makes batches durable; it tells the backlog and whoever waits."""

    stats: WriterStats

    @property
    def trouble(self) -> str:
        """Why it cannot at the moment; "" while it can."""
        ...

    @property
    def alive(self) -> bool:
        """False when it has ended."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def join(self) -> None:
        """Wait for its end, which comes when the intake is closed and empty."""
        ...


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a log is made of: the rest is the same, wherever the bytes become durable."""

    site: Site
    backlog: Backlog
    intake: Intake
    writer: LogWriter
    recovery: RecoveryReport
    lock: contextlib.ExitStack
    """Left when nothing more is written."""
    links: contextlib.ExitStack
    """Left when nothing more is read."""


class Wal:
    """``ports.Buffer``. One per directory; made by ``Wal.open``, or by ``wal/remote`` for one on a quorum."""

    def __init__(self, parts: Parts) -> None:
        """Starts to write."""
        self.recovery = parts.recovery
        """What the start found."""
        self._site = parts.site
        self._lock = parts.lock
        self._links = parts.links
        self._backlog = parts.backlog
        self._intake = parts.intake
        self._writer = parts.writer
        self._free = 0
        self._looked_at = float("-inf")
        self._since_look = 0
        self._writer.start()

    @classmethod
    def open(cls, directory: Path, *, settings: WalSettings, disk: Disk, clock: Clock) -> "Wal":
        """Recover what is there and start to write. Raises ``StoreFailed``: unreadable, or another process
        has it.
        """
        lock = contextlib.ExitStack()
        try:
            disk.make_directory(directory)
            lock.enter_context(disk.lock(directory / "lock"))
            parts = _local(Site(directory, settings, disk, clock), lock)
        except BlockingIOError as error:
            raise StoreFailed(f"another process uses the write-ahead log in {directory}") from error
        except OSError as error:
            lock.close()
            raise StoreFailed(f"cannot open the write-ahead log in {directory}: {error}") from error
        return cls(parts)

    async def append(self, batch: Batch, committed: Callable[[int], None] | None = None) -> int:
        """The batch's position, 1 and up, once it would survive a crash. Positions are counted anew in each
        process. ``committed`` hears of it first, on the event loop, in the order of positions, even when the caller has
        gone; it must return at once and not raise.

        Raises ``Backpressure``, ``DiskFull``, ``NotNow`` (the disk failed) and ``Closing``: nothing was
        kept; ``TooLarge``: it never will be. A cancelled call may still have kept the batch. ``batch`` must
        hold at least one record.
        """
        if isinstance(batch.body, Encoded) or batch.rows <= _INLINE_ROWS:
            body = body_of(batch)
        else:
            body = await asyncio.to_thread(body_of, batch)
        check(batch, body)
        self._admit(len(body))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._intake.put(Pending(batch, form_of(batch), body, future, loop, committed))
        return await future

    def position(self) -> int:
        """The highest acknowledged position."""
        return self._backlog.position

    def seal(self) -> None:
        """Ask for what is open now to be sealed; returns at once. ``wait`` tells when it is."""
        self._intake.seal()

    def register(self, cursor: str) -> None:
        """Make a cursor known, for good; a new one starts at the oldest segment. Raises ``NotNow``,
        ``ValueError``.

        Register all before the first advances: a segment goes when all that are registered have passed it.
        """
        self._backlog.register(cursor)

    def forget(self, cursor: str) -> None:
        """The reader is gone for good: its cursor holds no segment any more. Raises ``OSError``."""
        self._backlog.forget(cursor)

    def sealed(self, cursor: str) -> list[Segment]:
        """Sealed segments that the cursor has not passed, in order."""
        return self._backlog.sealed(cursor)

    def wait(self, cursor: str, timeout: float, *, after: int = -1) -> list[Segment]:
        """As ``sealed``, of segments with a number above ``after`` (for a reader that holds several), but
        blocks until there is one; empty after ``timeout`` seconds, ``wake`` or ``close``.
        """
        return self._backlog.wait(cursor, timeout, after=after)

    def wake(self) -> None:
        """End every ``wait`` that is going on, or each cursor's next."""
        self._backlog.wake()

    def advance(self, cursor: str, segment: Sealed) -> None:
        """The cursor has passed the segment and all before it. Raises ``NotNow`` when that could not be
        made durable.

        The file goes when all cursors have passed it. May be called after ``close``.
        """
        self._backlog.advance(cursor, segment)

    def marks(self) -> list[str]:
        """What receivers said with the batches that lie in the log, oldest first."""
        return self._backlog.marks()

    def before_release(self, settle: Settle) -> None:
        """Call ``settle`` with the marks of a segment before its last cursor passes it: ``advance`` raises what it
        raises, and the segment stays.
        """
        self._backlog.before_release(settle)

    def passed(self, cursor: str) -> int:
        """The cursor has passed every batch up to this position: ``passed(c) >= p`` for a ``p`` from
        ``position()``.
        """
        return self._backlog.passed(cursor)

    def keyed_backlog(self) -> dict[BatchId, Receipt]:
        """What the keyed batches got that are in the log now, open segments included. Reads files."""
        return self._backlog.receipts()

    @property
    def trouble(self) -> str:
        """Why nothing can be kept at the moment; "" while it can."""
        return self._writer.trouble

    @property
    def alive(self) -> bool:
        """False when it will take nothing any more; what it has can still be read."""
        return self._writer.alive

    def stats(self) -> BufferStats:
        """Cheap enough to be asked every second."""
        contents, counted = self._backlog.contents(), self._writer.stats
        return BufferStats(
            backlog_bytes=contents.bytes,
            backlog_rows=contents.rows,
            pending_bytes=self._intake.bytes,
            segments=contents.segments,
            appended_total=counted.batches,
            appended_rows_total=counted.rows,
            appended_bytes_total=counted.bytes,
            commits_total=counted.commits,
            failures_total=counted.failures,
            fsync_seconds_total=counted.sync_seconds,
            lag=contents.lag,
            corrupt_frames=self.recovery.corrupt_frames + contents.corrupt,
            torn_bytes=self.recovery.torn_bytes,
        )

    def close(self) -> None:
        """Write what is queued, seal, stop. Reading and advancing go on working; waiting returns at once."""
        self._intake.close()
        self._writer.join()
        self._lock.close()

    def release(self) -> None:
        """``close``, and let go of everything. Nothing may be called afterwards."""
        self.close()
        self._links.close()

    def _admit(self, size: int) -> None:
        backlog = self._backlog.bytes + self._intake.bytes
        if backlog and backlog + size > self._site.settings.max_bytes:
            raise Backpressure(f"{backlog} bytes wait for the store (wal.max_bytes)")
        self._since_look += size
        now = self._site.clock.monotonic()
        fresh = now - self._looked_at < _LOOK_SECONDS and self._since_look < _LOOK_BYTES
        if fresh and self._has_room():
            return
        self._free = self._site.disk.free_bytes(self._site.directory)
        self._looked_at = now
        self._since_look = size
        if not self._has_room():
            raise DiskFull(f"{self._free} bytes are free (wal.min_free_bytes)", retry_after=5.0)

    def _has_room(self) -> bool:
        """By what the disk said last, and what went to it since; asked anew every half second or 16 MiB."""
        return self._free - self._since_look >= self._site.settings.min_free_bytes


def _local(site: Site, lock: contextlib.ExitStack) -> Parts:
    """A log on this machine's disk, what was there recovered. Raises ``OSError``."""
    cursors = Cursors(site.disk, site.directory / "cursors")
    recovered = recover(site, cursors)
    backlog = Backlog(site, cursors, recovered.segments)
    intake = Intake(site.settings.max_pending_bytes)
    writer = Writer(site, backlog, intake, number=recovered.next_number)
    links = contextlib.ExitStack()
    return Parts(
        site=site,
        backlog=backlog,
        intake=intake,
        writer=writer,
        recovery=recovered.report,
        lock=lock,
        links=links,
    )
