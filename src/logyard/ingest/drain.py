"""From durable to findable: sealed segments into the store, each exactly once, in order.

A segment goes by size, by age, or at once when somebody asks: a query waits (bounded) for what was acknowledged
before it began. Several lanes store at once, for the engine's insert is one thread for the most part; the cursor
moves in order, after the store has said that the rows would survive a power cut. A crash in between repeats the
insert under the same token, which the store drops.
"""

import asyncio
import contextlib
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from random import SystemRandom
from typing import Final

from logyard.clock import Clock
from logyard.errors import BadInput, LogyardError, NotNow, StoreFailed
from logyard.ingest.dead_letter import DeadLetters
from logyard.ports import Buffer, Parcel, Sealed, Sink
from logyard.telemetry import Event, Telemetry
from logyard.types import Nanoseconds

__all__ = ["Drain", "DrainDelayed", "SegmentLost", "SegmentStored"]

_LONGEST_WAIT: Final = 5.0
_IDLE: Final = 1.0
_TRIES: Final = 20
"""Over about a minute and a half; only then is a segment that the store fails on put aside."""
_LANES: Final = 2
_random = SystemRandom()


class SegmentStored(Event, frozen=True, kw_only=True):
    """Records that became findable; ``seconds`` is the insert."""

    count: int
    seconds: float


class DrainDelayed(Event, frozen=True, kw_only=True):
    """The store did not take a segment now; it will be tried again."""

    severity = 30
    reason: str


class SegmentLost(Event, frozen=True, kw_only=True):
    """The store will never take a segment: it lies in the dead letters. Somebody must look."""

    severity = 40
    reason: str
    count: int


class Drain:
    """A sink's cursor of the write-ahead log, and the threads that move it."""

    def __init__(self, wal: Buffer, sink: Sink, dead: DeadLetters, *, clock: Clock, telemetry: Telemetry) -> None:
        """``start`` begins."""
        self.sink = sink
        self._wal = wal
        self._cursor = sink.name
        self._dead = dead
        self._clock = clock
        self._telemetry = telemetry
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._flying: OrderedDict[int, tuple[Sealed, bool]] = OrderedDict()
        self._slots = threading.Semaphore(_LANES + 1)
        self._refusal = ""
        self._work: queue.SimpleQueue[Sealed | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="logyard-drain", daemon=True)
        # Daemons, not a pool: a pool's threads hold the interpreter's exit for as long as the engine holds them.
        self._lanes = [
            threading.Thread(target=self._lane, name=f"logyard-drain-lane-{number}", daemon=True)
            for number in range(_LANES)
        ]
        wal.register(self._cursor)
        sink.passed(self.passed())

    def start(self) -> None:
        """Begin with what the last run left."""
        for thread in (self._thread, *self._lanes):
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    @property
    def trouble(self) -> str:
        """Why the sink takes nothing at the moment; "" while it does."""
        return self.sink.trouble or self._refusal

    def passed(self) -> int:
        """The position up to which everything is in the sink."""
        return self._wal.passed(self._cursor)

    async def settle(self, seconds: float) -> bool:
        """Wait until all that is acknowledged now can be found; False when that took longer than ``seconds``."""
        mark = self._wal.position()
        if self.passed() >= mark:
            return True
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        waiter = (mark, loop, future)
        with self._lock:
            self._waiting.append(waiter)
        self._wal.seal()
        self._release()
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock, contextlib.suppress(ValueError):  # let go in the regular way
                self._waiting.remove(waiter)
        return True

    def halt(self) -> None:
        """Begin to stop, without waiting for it."""
        self._stop.set()
        self._wal.wake()

    def stop(self, seconds: float) -> bool:
        """Store what is sealed, then end the thread; False when it was not done in time (the rest stays in the log)."""
        self.halt()
        deadline = self._clock.monotonic() + seconds
        threads = [thread for thread in (self._thread, *self._lanes) if thread.ident is not None]
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        """Hand each sealed segment to a lane, in order."""
        last = -1
        while True:
            stopping = self._stop.is_set()
            self._advance()  # again, if the disk refused the cursor before
            segments = self._wal.wait(self._cursor, 0 if stopping else _IDLE, after=last)
            for segment in segments:
                self._slots.acquire()
                with self._lock:
                    self._flying[segment.number] = (segment, False)
                self._work.put(segment)
                last = segment.number
            if stopping and not segments:
                break
        for _ in self._lanes:
            self._work.put(None)

    def _lane(self) -> None:
        while (segment := self._work.get()) is not None:
            self._carry(segment)

    def _carry(self, segment: Sealed) -> None:
        try:
            if self._store_segment(segment):
                with self._lock:
                    self._flying[segment.number] = (segment, True)
                self._advance()
        finally:
            self._slots.release()

    def _advance(self) -> None:
        """Move the cursor over what is stored, up to the first segment that is not."""
        with self._lock:
            while self._flying and next(iter(self._flying.values()))[1]:
                number, (segment, _) = next(iter(self._flying.items()))
                try:
                    self._wal.advance(self._cursor, segment)
                except LogyardError as error:
                    self._telemetry.emit(DrainDelayed(reason=f"cursor: {type(error).__name__}"))
                    break
                del self._flying[number]
        self._release()

    def _store_segment(self, segment: Sealed) -> bool:
        """Try until it is in the store, or in the dead letters; False when the process stops first."""
        failures = 0
        while True:
            reason = self._attempt(segment)
            self._refusal = str(reason).partition("\n")[0][:200] if reason else ""
            if reason is None:
                return True
            failures += 1
            if isinstance(reason, BadInput) or (failures >= _TRIES and not isinstance(reason, NotNow)):
                return self._bury(segment, str(reason))
            self._telemetry.emit(DrainDelayed(reason=type(reason).__name__))
            if self._stop.wait(_random.uniform(0.1, min(_LONGEST_WAIT, 0.2 * 2**failures))):
                return False

    def _attempt(self, segment: Sealed) -> LogyardError | None:
        if not self.sink.wants(segment.token, Nanoseconds(segment.received)):
            return None
        started = self._clock.monotonic()
        try:
            batches = segment.batches()
        except LogyardError as error:  # what cannot be read cannot be put aside either: wait
            return NotNow(str(error))
        try:
            if batches:
                self.sink.insert(Parcel(token=segment.token, path=segment.path, batches=batches))
        except LogyardError as error:
            return error
        except OSError as error:
            return NotNow(f"the store's disk: {error}")
        except Exception as error:  # noqa: BLE001 - a mistake of ours must end in the dead letters, not in silence
            return StoreFailed(f"unexpected: {error!r}")
        seconds = self._clock.monotonic() - started
        self._telemetry.emit(SegmentStored(count=sum(batch.rows for batch in batches), seconds=seconds))
        return None

    def _bury(self, segment: Sealed, reason: str) -> bool:
        """Put it aside; tried until there is room for it. False when the process stops first."""
        while True:
            try:
                self._dead.put(segment, reason)
            except OSError as error:
                self._telemetry.emit(DrainDelayed(reason=f"dead letters: {error.strerror}"))
                if self._stop.wait(_LONGEST_WAIT):
                    return False
                continue
            self._telemetry.emit(SegmentLost(reason=reason.partition("\n")[0][:200], count=segment.rows))
            return True

    def _release(self) -> None:
        """Let go whoever waits for what is now in the store."""
        passed = self.passed()
        self.sink.passed(passed)
        with self._lock:
            done = [waiter for waiter in self._waiting if waiter[0] <= passed]
            self._waiting = [waiter for waiter in self._waiting if waiter[0] > passed]
        for _, loop, future in done:
            loop.call_soon_threadsafe(_finish(future))


def _finish(future: "asyncio.Future[None]") -> Callable[[], None]:
    def finish() -> None:
        if not future.done():
            future.set_result(None)

    return finish
