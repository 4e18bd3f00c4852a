"""The one thread that writes to the journal: everything that waits goes out together, and its senders hear when a
quorum has it.

When an answer does not come in time, the senders are refused, and nobody knows what the journal has kept. So before
anything else is written, a void mark says that what stands behind the last certain message does not count. The
chain of sequences sees to it that nothing can slip in behind the mark later.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from logyard.errors import Corrupt, LogyardError, NotNow, StoreFailed
from logyard.wal.backlog import Backlog
from logyard.wal.intake import Intake, Pending
from logyard.wal.record import Form
from logyard.wal.remote.envelope import HEAD_BYTES, Envelope, Flag, Kind, open_envelope, sealed_envelope
from logyard.wal.remote.journal import Entry, Journal, Span
from logyard.wal.remote.packing import Pack, packed
from logyard.wal.remote.spool import Spool
from logyard.wal.settings import Site
from logyard.wal.writer import Outcome, WriterStats, deliver

__all__ = ["Line", "RemoteWriter"]

_GROUP_BYTES: Final = 8 << 20
"""So much goes out before answers are awaited."""
_AGAIN_SECONDS: Final = 1.0
_REPLACED_SECONDS: Final = 10.0
"""When a sender may come again to a process that was replaced: by then it should have been stopped."""
_KINDS: Final[dict[Form, Kind]] = {"lines": Kind.LINES, "frames": Kind.FRAMES}


@dataclass(slots=True, frozen=True)
class Line:
    """The parts around a writer."""

    backlog: Backlog
    intake: Intake
    spool: Spool


class _ReplacedError(Exception):
    """Another process has claimed the journal."""


class RemoteWriter:
    """``log.LogWriter``. Claims the journal at once; ``start`` after its content has been replayed into the spool."""

    def __init__(self, site: Site, journal: Journal, line: Line) -> None:
        """Raises ``StoreFailed`` when the journal cannot be had."""
        self.stats = WriterStats()
        self._site = site
        self._journal = journal
        self._backlog, self._intake, self._spool = line.backlog, line.intake, line.spool
        self._epoch = os.urandom(16)
        self._number = 0
        self._certain = 0
        """The last message of ours that is kept."""
        self._doubt = False
        """It is unknown what is kept behind it."""
        self._trouble = ""
        self._ended = False
        self._not_before = 0.0
        self.span: Span = journal.claim(self._entry(Kind.CLAIM))
        """What the journal held, the claim included."""
        self._certain = self.span.last
        self._thread = threading.Thread(target=self._run, name="buffer-writer", daemon=True)

    @property
    def trouble(self) -> str:
        """What the journal last refused, while it does."""
        return self._trouble

    @property
    def alive(self) -> bool:
        """False when another process has taken over, or for a reason that nobody foresaw."""
        return not self._ended

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
                if work.seal or work.closing or self._is_due():
                    self._seal()
                if work.closing and not items:
                    self._spool.close()
                    return
                items = []
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            self._fail(items, error)
        finally:
            self._backlog.close()

    def _fail(self, items: Sequence[Pending], error: Exception) -> None:
        """Refuse everything until the end. What is in the spool can still be read: readers wait as ever."""
        failure: LogyardError = StoreFailed(f"the buffer has stopped: {error!r}")
        if isinstance(error, _ReplacedError):
            failure = NotNow(str(error), retry_after=_REPLACED_SECONDS)
        elif isinstance(error, LogyardError):
            failure = error
        self._trouble = str(failure)
        self._ended = True
        deliver([(item, failure) for item in (*items, *self._intake.fail(failure))])
        self._intake.rest()

    def _patience(self) -> float | None:
        """Seconds until the oldest open segment is due; None when nothing is open."""
        opened = self._spool.opened()
        if opened is None:
            return None
        now = self._site.clock.monotonic()
        due = max(opened + self._site.settings.segment_seconds, self._not_before) - now
        return due if due > 0 else _AGAIN_SECONDS

    def _is_due(self) -> bool:
        opened, now = self._spool.opened(), self._site.clock.monotonic()
        return opened is not None and now >= max(opened + self._site.settings.segment_seconds, self._not_before)

    def _seal(self) -> None:
        """Say in the journal that what is open ends; when it cannot be said now, again in a while."""
        if self._spool.opened() is None:
            return
        try:
            self._settle_doubt()
            if self._spool.opened() is not None:  # a void mark ends it, too
                self._spool.seal(self._publish([self._entry(Kind.SEAL)])[-1])
        except NotNow:
            self._not_before = self._site.clock.monotonic() + _AGAIN_SECONDS

    def _write(self, items: Sequence[Pending]) -> None:
        for group, seals in self._groups(items):
            outcomes = self._commit(group, seals=seals)
            self._intake.release(group)
            deliver(outcomes)

    def _groups(self, items: Sequence[Pending]) -> Iterator[tuple[list[Pending], bool]]:
        """Cut where a segment is full (it is sealed there) and where enough is under way."""
        group: list[Pending] = []
        sizes: dict[Form, tuple[int, int]] = {}
        under_way = 0
        for item in items:
            size, rows = sizes.get(item.form) or self._spool.filled(item.form)
            sizes[item.form] = size + len(item.body), rows + item.batch.rows
            under_way += len(item.body)
            group.append(item)
            full = self._is_full(*sizes[item.form])
            if full or under_way >= _GROUP_BYTES:
                yield group, full
                group, sizes, under_way = [], {}, 0
        if group:
            yield group, False

    def _is_full(self, size: int, rows: int) -> bool:
        return size >= self._site.settings.segment_bytes or rows >= self._site.settings.segment_rows

    def _commit(self, group: list[Pending], *, seals: bool) -> list[Outcome]:
        """Kept on a quorum, or refused as a whole."""
        forms: dict[Form, list[Pending]] = defaultdict(list)
        for item in group:
            forms[item.form].append(item)
        limit = self._journal.limit - HEAD_BYTES
        packs = [(form, pack) for form, items in forms.items() for pack in packed(items, limit)]
        try:
            self._settle_doubt()
            entries = self._entries(packs, seals=seals)
            began = self._site.clock.monotonic()
            sequences = self._publish(entries)
        except NotNow as error:
            self.stats.failures += 1
            return [(item, error) for item in group]
        self.stats.sync_seconds += self._site.clock.monotonic() - began
        self.stats.commits += 1
        outcomes = self._keep(packs, sequences)
        if seals:
            self._spool.seal(sequences[-1])
        return outcomes

    def _entries(self, packs: Sequence[tuple[Form, Pack]], *, seals: bool) -> list[Entry]:
        entries = []
        for place, (form, pack) in enumerate(packs):
            ends = seals and place == len(packs) - 1
            for part, pieces in enumerate(pack.messages):
                flags = Flag.GOES_ON if part else Flag.NONE
                if part < len(pack.messages) - 1:
                    flags |= Flag.MORE
                elif ends:
                    flags |= Flag.SEALS
                entries.append(self._entry(_KINDS[form], flags, pieces))
        return entries

    def _keep(self, packs: Sequence[tuple[Form, Pack]], sequences: Sequence[int]) -> list[Outcome]:
        """What is kept becomes readable, and its senders may hear."""
        outcomes: list[Outcome] = []
        at = 0
        for form, pack in packs:
            first = self._spooled(form, sequences[at], pack)
            outcomes += [(item, first + index) for index, item in enumerate(pack.items)]
            at += len(pack.messages)
            self.stats.batches += len(pack.items)
            self.stats.rows += sum(item.batch.rows for item in pack.items)
            self.stats.bytes += pack.size
        return outcomes

    def _spooled(self, form: Form, sequence: int, pack: Pack) -> int:
        """Into the spool, however long that takes: what is kept must become readable. Acknowledged after it."""
        while True:
            try:
                first = self._spool.take((form, sequence), pack.batches, pack.frames())
            except OSError as error:
                self._trouble = f"the spool cannot be written: {error.strerror}"
                if self._intake.closing:
                    raise StoreFailed(f"{self._trouble}; the records are kept in {self._journal.name}") from error
                self._intake.pause(_AGAIN_SECONDS)
            else:
                self._trouble = ""
                return first

    def _publish(self, entries: Sequence[Entry]) -> Sequence[int]:
        try:
            sequences = self._journal.append(entries)
        except NotNow as error:
            self._doubt = True
            self._trouble = str(error)
            raise
        self._certain = sequences[-1]
        self._trouble = ""
        return sequences

    def _settle_doubt(self) -> None:
        """Void what may be there behind the last certain message. Raises ``NotNow``, or ``_ReplacedError``."""
        if not self._doubt:
            return
        try:
            last = self._journal.refresh()
            self._check_mine(last)
            sequence = self._journal.append([self._entry(Kind.VOID)])[-1]
        except NotNow as error:
            self._trouble = str(error)
            raise
        self._doubt = False
        self._certain = sequence
        self._spool.seal(sequence)

    def _check_mine(self, last: bytes) -> None:
        try:
            epoch = open_envelope(last).epoch
        except Corrupt:
            return  # purged, or a stranger's: no claim
        if epoch != self._epoch:
            raise _ReplacedError(
                f"another process writes to {self._journal.name}: it was started under the same node name, and this "
                "one takes nothing any more"
            )

    def _entry(self, kind: Kind, flags: Flag = Flag.NONE, payload: Sequence[bytes | memoryview] = ()) -> Entry:
        self._number += 1
        envelope = Envelope(kind=kind, flags=flags, epoch=self._epoch, number=self._number, floor=self._certain)
        return Entry(envelope.id, sealed_envelope(envelope, payload))
