"""The background thread: what waits becomes lines, lines become batches, batches are sent; again until it worked.

    caught ──► lines ──► batches ──► POST ──► gone
                            │  ▲       │ failed: back to the front, and a pause (retry.py)
                            ▼  │       │ too large: two halves
                           spool       │ refused: dropped and counted
                                       ▼
Lines are frozen into a batch when it is full, when its oldest line has waited ``flush_seconds``, or when somebody
flushes, and only when it can be sent: a server that is away costs no small batches. Drops are told to the server as a
record, when it listens again.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from logyard.handler.batch import Batch, Keys, batches
from logyard.handler.guard import guard
from logyard.handler.instant import now
from logyard.handler.link import Link
from logyard.handler.queue import Mark, Waiting
from logyard.handler.record import Caught, Encoder
from logyard.handler.retry import Outcome, Pause, after, fate
from logyard.handler.settings import Settings
from logyard.handler.spool import Spool
from logyard.handler.stats import Stats

__all__ = ["Sender"]

_REASONS: Final = {
    "full": "there was no room for them",
    "refused": "the server did not take them",
    "exit": "the program ended",
    "spool": "the spool did not take them",
}
_SPILL_SHARE: Final = 4
"""A spool is used when the server is away and a quarter of the room is taken."""


class Sender:
    """``run`` is a thread's body. Other threads use ``waiting``, ``stats``, ``stop`` and ``abandon``."""

    def __init__(self, settings: Settings, encoder: Encoder) -> None:
        """Opens and makes nothing."""
        self.waiting = Waiting(settings)
        self._settings = settings
        self._encoder = encoder
        self._keys = Keys()
        self._link = Link(settings)
        self._spool = Spool(Path(settings.spool), self._keys.prefix, settings.spool_bytes) if settings.spool else None
        self._lines: list[str] = []
        self._lines_bytes = 0
        self._since = 0.0
        self._pause = Pause()
        self._marks: deque[Mark] = deque()
        self._stopping = self._abandoned = False
        self._last_try = False
        self._sent = self._requests = self._retries = 0
        self._dropped: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._error = ""

    # ---- other threads

    def stop(self) -> None:
        """Send what waits, then end."""
        self._stopping = True
        self.waiting.wake()

    def abandon(self) -> None:
        """Send nothing more: spool what is left, or drop it, and end."""
        self._stopping = self._abandoned = True
        self._link.abort()
        self.waiting.wake()

    def stats(self) -> Stats:
        """Of this moment."""
        return Stats(
            sent=self._sent,
            dropped=self._dropped + self.waiting.dropped,
            waiting=self.waiting.count,
            spooled=self._spool.count if self._spool is not None else 0,
            requests=self._requests,
            retries=self._retries,
            last_error=self._error,
        )

    # ---- the thread

    def run(self) -> None:
        """Work until stopped and empty, or abandoned."""
        guard.inside = True  # whatever is logged from here is our own doing
        if self._spool is not None:
            self._try_spool(self._spool.adopt)
        while not self._abandoned:
            self._write()
            wait = self._turn()
            if self._stopping and not self._anything() and not self.waiting.count:
                break
            if wait is None or wait > 0:
                self.waiting.sleep(wait, len(self._lines))
        self._end()

    def _turn(self) -> float | None:
        """One step; seconds until the next one makes sense, None when nothing is in hand."""
        moment = time.monotonic()
        if self._pause.until > moment and not self._last_try:
            self._spill()
            return self._pause.until - moment
        self._last_try = False
        if self._due(moment):
            self._freeze()
        spooled = None if self._stopping else self._oldest_spooled()
        batch = spooled or self.waiting.next()
        if batch is None:
            self._marks_done()
            return self._since + self._settings.flush_seconds - moment if self._lines else None
        self._send(batch, spooled=spooled is not None)
        self._marks_done()
        return 0

    def _write(self) -> None:
        """What has been caught becomes lines."""
        if not self._lines:
            self._since = time.monotonic()
        written: list[str] = []
        for item in self.waiting.take():
            if isinstance(item, tuple):
                written.append(self._line(item))
            elif isinstance(item, str):
                written.append(item)
            else:
                self._add(written)
                written = []
                self._met(item)
        self._add(written)
        if len(self._lines) >= self._settings.batch_records or self._lines_bytes >= self._settings.batch_bytes:
            self._freeze()

    def _add(self, lines: Sequence[str]) -> None:
        size = sum(map(len, lines)) + len(lines)
        self._lines += lines
        self._lines_bytes += size
        self.waiting.written(len(lines), size)

    def _line(self, caught: Caught) -> str:
        try:
            return self._encoder.line(caught)
        except Exception as error:  # noqa: BLE001 - a record that breaks us must cost nobody else
            return self._encoder.unwritable(caught, error)

    def _met(self, mark: Mark) -> None:
        mark.target = self.waiting.settled + self.waiting.held
        self._marks.append(mark)
        self._last_try = True

    def _marks_done(self) -> None:
        while self._marks and self.waiting.settled >= self._marks[0].target:
            self._marks.popleft().done.put("settled")

    def _marks_failed(self) -> None:
        """Whoever waits for the server need not wait longer."""
        while self._marks:
            self._marks.popleft().done.put("failed")

    def _due(self, moment: float) -> bool:
        if not self._lines:
            return False
        return bool(self._marks) or self._stopping or moment >= self._since + self._settings.flush_seconds

    def _freeze(self) -> None:
        """Lines become batches."""
        lines, self._lines = self._lines, []
        measured, self._lines_bytes = sum(map(len, lines)) + len(lines), 0
        frozen = 0
        limits = self._settings
        for batch in batches(lines, self._keys, records=limits.batch_records, size=limits.batch_bytes):
            frozen += len(batch.body)
            self.waiting.hold(batch)
        self.waiting.resized(frozen - measured)

    def _send(self, batch: Batch, *, spooled: bool) -> None:
        self._requests += 1
        outcome = self._link.post(batch)
        fates = {"sent": self._was_sent, "again": self._failed, "smaller": self._too_large, "never": self._refused}
        fates[fate(outcome.status)](batch, outcome, spooled)

    def _was_sent(self, batch: Batch, outcome: Outcome, spooled: bool) -> None:  # noqa: FBT001 - one signature for all fates
        if self._pause.failures and self._spool is not None:
            self._try_spool(self._spool.adopt)  # others may have ended meanwhile, with as little luck
        self._pause, self._error = Pause(), ""
        self._sent += batch.count - outcome.refused
        self._observed("sent", batch.count - outcome.refused)
        if outcome.refused:
            self._drop("refused", outcome.refused)
        self._gone(batch, spooled=spooled)
        self._tell()

    def _failed(self, batch: Batch, outcome: Outcome, spooled: bool) -> None:  # noqa: FBT001 - one signature for all fates
        self._retries += 1
        self._error = outcome.detail
        self._observed("retries", 1)
        self._pause = after(self._pause, outcome, now=time.monotonic(), chance=random.random())  # noqa: S311 - jitter is no secret
        if not spooled:
            self.waiting.hold(batch, first=True)
        if self._pause.open:
            self._marks_failed()

    def _too_large(self, batch: Batch, outcome: Outcome, spooled: bool) -> None:  # noqa: FBT001 - one signature for all fates
        halves = batch.halves(self._keys)
        if halves is None:
            self._refused(batch, outcome, spooled)
            return
        if spooled:
            self._from_spool()
            self.waiting.written(batch.count, len(batch.body))
        for half in reversed(halves):
            self.waiting.hold(half, first=True)
        self.waiting.resized(-1)  # the line end between them

    def _refused(self, batch: Batch, outcome: Outcome, spooled: bool) -> None:  # noqa: FBT001 - one signature for all fates
        self._pause, self._error = Pause(), outcome.detail
        self._drop("refused", batch.count)
        self._gone(batch, spooled=spooled)

    def _gone(self, batch: Batch, *, spooled: bool) -> None:
        if spooled:
            self._from_spool()
        else:
            self.waiting.left(batch.count, len(batch.body))

    def _oldest_spooled(self) -> Batch | None:
        if self._spool is None or not self._spool.count:
            return None
        try:
            return self._spool.oldest()
        except OSError as error:
            self._error = f"spool: {error}"
            return None

    def _from_spool(self) -> None:
        if self._spool is not None:
            self._try_spool(self._spool.done)

    def _drop(self, reason: str, count: int) -> None:
        self._dropped[reason] += count
        self._observed("dropped", count)

    def _tell(self) -> None:
        """Put a record about what was dropped since the last one among the lines."""
        total = self._dropped + self.waiting.dropped
        for reason, count in (total - self._told).items():
            text = f"{count} records were dropped by the Logyard handler: {_REASONS[reason]}"
            fields = {"level": "WARNING", "logger": "logyard.handler", "message": text}
            line = self._encoder.document(now(), {**fields, "dropped": count, "reason": reason})
            if not self._lines:
                self._since = time.monotonic()
            self._add([line])
        self._told = total

    def _observed(self, what: str, count: int) -> None:
        if self._settings.observe is None:
            return
        try:
            self._settings.observe(what, count)
        except Exception as error:  # noqa: BLE001 - a stranger's hook must not end the thread
            self._error = f"observe failed: {type(error).__name__}: {error}"

    # ---- the spool, and the end

    def _spill(self) -> None:
        """The server is away: when much waits, it goes to the disk."""
        held, limits = self.waiting, self._settings
        much = held.held > limits.max_records // _SPILL_SHARE or held.held_bytes > limits.max_bytes // _SPILL_SHARE
        if self._spool is None or not much:
            return
        self._freeze()
        while (batch := self.waiting.next()) is not None:
            if not self._spooled(batch):
                self.waiting.hold(batch, first=True)
                return

    def _spooled(self, batch: Batch) -> bool:
        spool = self._spool
        if spool is None or not self._try_spool(lambda: spool.write(batch)):
            return False
        self.waiting.left(batch.count, len(batch.body))
        return True

    def _try_spool(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except OSError as error:
            self._error = f"spool: {error}"
            return False
        return True

    def _anything(self) -> bool:
        """Whether something is left that sending now could settle."""
        return bool(self._lines) or bool(self.waiting.held)

    def _end(self) -> None:
        self._write()
        self._freeze()
        while (batch := self.waiting.next()) is not None:
            if not self._spooled(batch):
                self._drop("spool" if self._spool is not None else "exit", batch.count)
                self.waiting.left(batch.count, len(batch.body))
        self._marks_failed()
        self._link.close()
        if self._spool is not None:
            self._try_spool(self._spool.close)
