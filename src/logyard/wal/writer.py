"""The one thread that writes: everything that waits goes into the open segments with one fdatasync, then
its senders hear.

When a write fails, the file is cut back to its last committed byte and written on. When an fdatasync fails,
the kernel may have dropped pages that it now calls clean: the file is never trusted again, but sealed at
its last committed byte. When not even cutting works, the segment remembers how much of its file to believe.
"""

import asyncio
import contextlib
import errno
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from logyard.errors import DiskFull, LogyardError, NotNow, StoreFailed
from logyard.wal.backlog import Backlog
from logyard.wal.disk import AppendFile, Buffer
from logyard.wal.intake import Intake, Pending
from logyard.wal.record import Form, encode
from logyard.wal.segment import Segment, SegmentName
from logyard.wal.settings import Site

__all__ = ["Outcome", "Writer", "WriterStats", "deliver"]

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(slots=True)
class WriterStats:
    """Counted since the start; only the writer's thread changes them."""

    batches: int = 0
    rows: int = 0
    bytes: int = 0
    commits: int = 0
    failures: int = 0
    sync_seconds: float = 0.0


@dataclass(slots=True)
class _OpenFile:
    segment: Segment
    file: AppendFile
    opened: float


Outcome = tuple[Pending, int | LogyardError]


class Writer:
    """Owns the open segments. ``start`` once; it ends when the intake is closed and empty."""

    def __init__(self, site: Site, backlog: Backlog, intake: Intake, *, number: int) -> None:
        """``number`` is that of the next segment."""
        self.stats = WriterStats()
        self._site = site
        self._backlog = backlog
        self._intake = intake
        self._number = number
        self._open: dict[Form, _OpenFile] = {}
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="wal-writer", daemon=True)

    @property
    def trouble(self) -> str:
        """None that lasts but the end: each write tries the disk again."""
        return self._failure

    @property
    def alive(self) -> bool:
        """False when it has ended for a reason that nobody foresaw."""
        return not self._failure

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        items: list[Pending] = []
        try:
            while True:
                work = self._intake.take(self._patience())
                items = work.items
                self._write(items)
                self._seal_due(asked=work.seal or work.closing)
                if work.closing and not items:
                    self._finish()
                    return
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            failure = StoreFailed(f"the write-ahead log has stopped: {error!r}")
            self._failure = str(failure)
            deliver([(item, failure) for item in (*items, *self._intake.fail(failure))])
            self._intake.rest()  # what is sealed can still be read: readers wait as ever until the end
        finally:
            self._backlog.close()

    def _patience(self) -> float | None:
        """Seconds until the oldest open segment is due; None when nothing is open."""
        opened = [file.opened for file in self._open.values() if file.segment.bytes]
        if not opened:
            return None
        limit = self._site.settings.segment_seconds
        due = min(opened) + limit - self._site.clock.monotonic()
        return due if due > 0 else limit

    def _write(self, items: Sequence[Pending]) -> None:
        for chunk in self._chunks(items):
            forms: dict[Form, list[Pending]] = defaultdict(list)
            for item in chunk:
                forms[item.form].append(item)
            told = [outcome for form, group in forms.items() for outcome in self._commit(form, group)]
            self._intake.release(chunk)
            deliver(told)
            self._seal_due(asked=False)

    def _chunks(self, items: Sequence[Pending]) -> Iterator[list[Pending]]:
        """Cut where a segment is full, so that one commit goes into one segment of each form."""
        chunk: list[Pending] = []
        filled: dict[Form, tuple[int, int]] = {}
        for item in items:
            if not chunk:
                filled = {form: (file.segment.bytes, file.segment.rows) for form, file in self._open.items()}
            size, rows = filled.get(item.form, (0, 0))
            filled[item.form] = size + len(item.body), rows + item.batch.rows
            chunk.append(item)
            if self._is_full(*filled[item.form]):
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _is_full(self, size: int, rows: int) -> bool:
        settings = self._site.settings
        return size >= settings.segment_bytes or rows >= settings.segment_rows

    def _commit(self, form: Form, items: list[Pending]) -> list[Outcome]:
        """Durable, or refused as a whole."""
        buffers: list[Buffer] = []
        for item in items:
            buffers += (encode(item.batch, item.body), item.body)
        try:
            segment = self._append(form, buffers)
        except OSError as error:
            self.stats.failures += 1
            return [(item, _refusal(error)) for item in items]
        size = sum(map(len, buffers))
        self._count(items, size)
        first = self._backlog.commit(segment, [item.batch for item in items], size)
        return [(item, first + index) for index, item in enumerate(items)]

    def _append(self, form: Form, buffers: list[Buffer]) -> Segment:
        """Write and sync; after an ``OSError`` none of it will ever be read."""
        target = self._open.get(form) or self._begin(form)
        try:
            target.file.write(buffers)
        except OSError:
            if not _cut(target):
                self._retire_up_to(target)
            raise
        began = self._site.clock.monotonic()
        try:
            target.file.sync()
        except OSError:
            _cut(target)
            self._retire_up_to(target)
            raise
        self.stats.sync_seconds += self._site.clock.monotonic() - began
        return target.segment

    def _begin(self, form: Form) -> _OpenFile:
        """A new segment, its name durable before anything is written to it."""
        name = SegmentName(self._number, form, "open")
        path = self._site.directory / str(name)
        self._number += 1
        file = self._site.disk.open_append(path)
        try:
            self._site.disk.sync_directory(self._site.directory)
        except OSError:
            file.close()
            with contextlib.suppress(OSError):  # an empty segment goes with the next start
                self._site.disk.unlink(path)
            raise
        opened = _OpenFile(Segment(self._site.disk, path, name), file, self._site.clock.monotonic())
        self._open[form] = opened
        self._backlog.begin(opened.segment)
        return opened

    def _seal_due(self, *, asked: bool) -> None:
        """Seal what is full, old or asked for."""
        now = self._site.clock.monotonic()
        for target in sorted(self._open.values(), key=lambda file: file.segment.number):
            segment = target.segment
            old = now - target.opened >= self._site.settings.segment_seconds
            due = asked or old or self._is_full(segment.bytes, segment.rows)
            if due and segment.bytes and segment.form in self._open:
                self._retire_up_to(target)

    def _finish(self) -> None:
        """What is still open holds nothing: let it go."""
        for target in list(self._open.values()):
            self._retire(target)

    def _retire_up_to(self, target: _OpenFile) -> None:
        """Seal it, and before it what has a lower number: a cursor passes numbers in order."""
        for other in sorted(self._open.values(), key=lambda file: file.segment.number):
            if other.segment.number <= target.segment.number:
                self._retire(other)

    def _retire(self, target: _OpenFile) -> None:
        """The transition from open to sealed; a segment that holds nothing just goes. Never raises
        ``OSError``.
        """
        disk, segment = self._site.disk, target.segment
        del self._open[segment.form]
        # What fails here costs nothing: the bytes are synced, and the next start tidies names and leftovers.
        with contextlib.suppress(OSError):
            target.file.close()
        if segment.bytes:
            self._backlog.seal(segment)
        else:
            self._backlog.drop(segment)
        with contextlib.suppress(OSError):
            if not segment.bytes:
                disk.unlink(segment.path)
            disk.sync_directory(self._site.directory)

    def _count(self, items: list[Pending], size: int) -> None:
        self.stats.commits += 1
        self.stats.batches += len(items)
        self.stats.rows += sum(item.batch.rows for item in items)
        self.stats.bytes += size


def _cut(target: _OpenFile) -> bool:
    """Back to the last committed byte; False when the disk refuses even that."""
    try:
        target.file.truncate(target.segment.bytes)
    except OSError:
        return False
    return True


def _refusal(error: OSError) -> NotNow:
    if error.errno in _NO_ROOM:
        return DiskFull(f"no room for the write-ahead log: {error.strerror}", retry_after=5.0)
    return NotNow(f"the write-ahead log cannot be written: {error}", retry_after=5.0)


def deliver(outcomes: Sequence[Outcome]) -> None:
    """Tell everybody of one commit at once, in the order of their positions."""
    loops: dict[asyncio.AbstractEventLoop, list[Outcome]] = defaultdict(list)
    for item, outcome in outcomes:
        loops[item.loop].append((item, outcome))
    for loop, told in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(outcomes: Sequence[Outcome]) -> None:
    for item, outcome in outcomes:
        if isinstance(outcome, int) and item.committed is not None:
            item.committed(outcome)
        if item.future.done():  # cancelled
            continue
        if isinstance(outcome, int):
            item.future.set_result(outcome)
        else:
            item.future.set_exception(outcome)
