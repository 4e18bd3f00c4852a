"""The live side's heart: hears of every batch after its commit and hands rows to whoever watches.

    publish ──► Backlog ──► matcher task ──► worker thread ──► Subscription queues ──► readers
    (microseconds)                           decode once, ask  (one for each reader, bounded)
                                             each watch once

Promises: a subscriber gets exactly the rows published after it joined that match, in the order of
acknowledgement, each once; where something is missing it is told how many, at that place. Nobody waits for
a slow subscriber, the ingest least of all. Memory is bounded: ``Limits.backlog_bytes`` before the matcher,
``buffer_rows`` and ``buffer_bytes`` behind it. Nobody listening, nothing is decoded.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import msgspec
import polars as pl

from logyard.clock import Clock
from logyard.config import TailConfig
from logyard.errors import Backpressure, Closing, LogyardError
from logyard.model.batch import Batch
from logyard.stream.backlog import Backlog, Mark, Published, Skipped
from logyard.stream.chunk import Chunk, Load, Missed, Nth, Watch
from logyard.stream.decode import decode
from logyard.stream.recent import Behind, Recent
from logyard.stream.subscription import Subscription
from logyard.telemetry import Event, Telemetry
from logyard.types import LogId

__all__ = ["Hub", "Limits", "LiveFailed", "LiveRowsDecoded", "LiveRowsMatched", "LiveRowsMissed"]

Answer = Chunk | Exception
_Key = tuple[Hashable, bool]
Made = TypeVar("Made", Load, Chunk)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the live side may hold."""

    buffer_rows: int = 10_000
    """Rows for one subscriber."""
    buffer_bytes: int = 16 << 20
    """Bytes for one subscriber."""
    max_subscribers: int = 1000
    backlog_bytes: int = 64 << 20
    """Bytes published and not yet matched."""
    load_bytes: int = 8 << 20
    """Bytes decoded at once."""
    load_rows: int = 20_000
    """Rows decoded at once."""
    chunk_rows: int = 500
    """Rows handed on at once."""
    chunk_bytes: int = 256 << 10
    """Bytes handed on at once."""

    @staticmethod
    def of(config: TailConfig) -> "Limits":
        """The limits that the configuration names; the rest as here."""
        return Limits(buffer_rows=config.buffer_rows, max_subscribers=config.max_subscribers)


class LiveRowsDecoded(Event, frozen=True, kw_only=True):
    """Rows decoded for live subscribers, and the seconds until all of them were asked."""

    count: int
    seconds: float


class LiveRowsMatched(Event, frozen=True, kw_only=True):
    """Rows handed to live subscribers."""

    count: int


class LiveRowsMissed(Event, frozen=True, kw_only=True):
    """Rows that live subscribers did not get: slow reader, overload of the matcher, or failed decoding."""

    reason: str
    count: int


class LiveFailed(Event, frozen=True, kw_only=True):
    """A watch or the decoder failed for a reason nobody foresaw."""

    severity: ClassVar[int] = logging.ERROR
    part: str
    detail: str


class _Group(msgspec.Struct):
    """Everybody who asks the same."""

    watch: Watch
    foreign: bool
    members: dict[int, Subscription]


class Hub:
    """The ``Tap`` of the live side. Everything but the matching happens on the event loop."""

    def __init__(self, *, limits: Limits, nth: Nth, telemetry: Telemetry, clock: Clock) -> None:
        """``nth`` is ``LogIds.nth``: the ids of a batch's records."""
        self._limits = limits
        self.nth = nth
        """Ids of a batch's records."""
        self._telemetry = telemetry
        self._clock = clock
        self._backlog = Backlog(size=limits.backlog_bytes, load_size=limits.load_bytes, load_rows=limits.load_rows)
        self._recent = Recent(nth)
        self._groups: dict[_Key, _Group] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._tails: dict[int, Subscription] = {}
        self._wake = asyncio.Event()
        self._closed = False
        telemetry.watch("logyard_live_subscribers", "Live subscribers.", lambda: len(self._subscriptions))
        telemetry.watch("logyard_live_backlog_bytes", "Published, not yet matched.", lambda: self._backlog.bytes)

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._subscriptions)

    def publish(self, batch: Batch, *, foreign: bool = False) -> None:
        """Take note of a committed batch, of this node or a ``foreign`` one. ``ports.Tap``: returns at once, never
        raises.
        """
        self._recent.add(batch)
        if not self._subscriptions:
            return
        self._backlog.add(batch, foreign=foreign)
        self._wake.set()

    def recall(self, first: LogId, rows: int) -> None:
        """A foreign batch has passed while nobody listened: only its place in the stream is kept."""
        self._recent.note(first, rows)

    def skip(self, rows: int) -> None:
        """Rows of other nodes are missing here."""
        if self._subscriptions:
            self._backlog.skip(Skipped(tenant=None, rows=rows, foreign=True))
            self._wake.set()

    def subscribe(self, watch: Watch, *, limited: bool = True, foreign: bool = True) -> Subscription:
        """Hear of everything that is published from now on, with ``foreign`` also of what other nodes have accepted.
        Close the subscription when done.

        ``Backpressure`` beyond ``tail.max_subscribers`` (``limited=False`` is for our own parts),
        ``Closing`` after ``close``.
        """
        if self._closed:
            raise Closing("the live side is closing")
        if limited and len(self._tails) >= self._limits.max_subscribers:
            raise Backpressure(f"{len(self._subscriptions)} live tails are open (tail.max_subscribers)", retry_after=5)
        limits = self._limits
        subscription = Subscription(watch, rows=limits.buffer_rows, size=limits.buffer_bytes, closed=self._forget)
        subscription.foreign = foreign
        self._subscriptions[id(subscription)] = subscription
        if limited:
            self._tails[id(subscription)] = subscription
        self._backlog.mark(lambda: self._join(subscription))
        self._wake.set()
        return subscription

    def behind(self, last: LogId) -> Behind:
        """What has been, and will be, published behind the record ``last``."""
        return self._recent.behind(last)

    async def run(self) -> None:
        """Match what is published until cancelled, then end every subscription."""
        worker = ThreadPoolExecutor(1, thread_name_prefix="live")
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._work_off(worker)
        finally:
            self.close()
            self._finish(self._subscriptions)
            # Not waiting: the loop has other things to bring to an end meanwhile.
            worker.shutdown(wait=False, cancel_futures=True)

    async def settle(self) -> None:
        """Return when all that was published before is in the subscribers' queues. Needs ``run``."""
        reached = asyncio.Event()
        self._backlog.mark(reached.set)
        self._wake.set()
        await reached.wait()

    def close(self) -> None:
        """Take no new subscribers and end the tails: each gets what is queued, then the end.

        Our own parts (``limited=False``) hear on, until ``run`` ends.
        """
        self._closed = True
        self._finish(self._tails)

    def _finish(self, subscriptions: Mapping[int, Subscription]) -> None:
        for subscription in list(subscriptions.values()):
            subscription.finish()

    async def _work_off(self, worker: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while (task := self._backlog.take()) is not None:
            if isinstance(task, Mark):
                task.reached()
            elif isinstance(task, Skipped):
                self._tell(task, "bus" if task.tenant is None else "overload")
            elif watches := self._watches(task):
                started = self._clock.monotonic()
                answers = await loop.run_in_executor(worker, self._answers, task.batches, watches)
                self._deliver(task, answers)
                seconds = self._clock.monotonic() - started
                self._telemetry.emit(LiveRowsDecoded(count=sum(each.rows for each in task.batches), seconds=seconds))

    def _watches(self, task: Published) -> Mapping[_Key, Watch]:
        return {key: group.watch for key, group in self._groups.items() if _hears(group, task)}

    def _answers(self, batches: Sequence[Batch], watches: Mapping[_Key, Watch]) -> Mapping[_Key, Answer] | None:
        """In the worker thread. None: these batches cannot be decoded."""
        load = self._guarded("decoder", lambda: decode(batches, self.nth))
        if isinstance(load, Exception):
            return None
        return {key: self._guarded("watch", _asking(watch, load)) for key, watch in watches.items()}

    def _guarded(self, part: str, work: Callable[[], Made]) -> Made | Exception:
        """One watch that fails must not take the others with it."""
        try:
            return work()
        except LogyardError as error:
            return error
        except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - strangers' queries meet strangers' data here
            self._telemetry.emit(LiveFailed(part=part, detail=f"{type(error).__name__}: {error}"))
            return LogyardError(f"the live {part} failed: {error}")

    def _deliver(self, task: Published, answers: Mapping[_Key, Answer] | None) -> None:
        if answers is None:
            rows = sum(batch.rows for batch in task.batches)
            self._tell(Skipped(tenant=task.tenant, rows=rows, foreign=task.foreign), "failed")
            return
        for key, answer in answers.items():
            group = self._groups.get(key)
            if group is None:
                continue
            if isinstance(answer, Exception):
                for subscription in list(group.members.values()):
                    subscription.finish(answer)
            elif answer.rows:
                self._hand_out(group, answer)

    def _hand_out(self, group: _Group, chunk: Chunk) -> None:
        dropped = 0
        for part in chunk.parts(self._limits.chunk_rows, self._limits.chunk_bytes):
            for subscription in group.members.values():
                dropped += subscription.offer(part)
        self._telemetry.emit(LiveRowsMatched(count=chunk.rows * len(group.members)))
        if dropped:
            self._telemetry.emit(LiveRowsMissed(reason="slow", count=dropped))

    def _tell(self, skipped: Skipped, reason: str) -> None:
        """All who would have heard of them missed up to so many rows."""
        for group in self._groups.values():
            if _hears(group, skipped):
                for subscription in group.members.values():
                    subscription.offer(Missed(count=skipped.rows, exact=False))
        self._telemetry.emit(LiveRowsMissed(reason=reason, count=skipped.rows))

    def _join(self, subscription: Subscription) -> None:
        if not subscription.open:
            return
        made = _Group(subscription.watch, subscription.foreign, {})
        group = self._groups.setdefault(subscription.group, made)
        group.members[id(subscription)] = subscription

    def _forget(self, subscription: Subscription) -> None:
        self._subscriptions.pop(id(subscription), None)
        self._tails.pop(id(subscription), None)
        group = self._groups.get(subscription.group)
        if group is not None:
            group.members.pop(id(subscription), None)
            if not group.members:
                del self._groups[subscription.group]


def _asking(watch: Watch, load: Load) -> Callable[[], Chunk]:
    return lambda: watch.answer(load)


def _hears(group: _Group, task: Published | Skipped) -> bool:
    may_see = task.tenant is None or group.watch.tenant is None or group.watch.tenant == task.tenant
    return may_see and (group.foreign or not task.foreign)
