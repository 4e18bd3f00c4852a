"""What drives an output: a cursor of its own over the write-ahead log, at its own pace.

    segment ──► lanes, one run each ──► write ──► all of it delivered ──► cursor moves
                     │ NotNow      again: full jitter, never sooner than the other side asks for
                     │ TooLarge    in two halves, each with an id that follows from the whole's
                     └ BadInput    to the dead letters, counted: what is behind it must go on

Batches of one source go one after another. A crash repeats what was under way, under the same ids. Between two segments
it brings the dead letters that somebody wants tried again. With a limit to what may wait, the oldest that the other
side does not take is given up beyond it, counted: else one that never comes back would fill the log for everybody.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import SystemRandom
from typing import Final, Protocol, TypeVar
from zlib import crc32

import msgspec

from logyard.errors import BadInput, BadPayload, Corrupt, LogyardError, NotNow, TooLarge
from logyard.model.batch import Batch, Encoded
from logyard.outputs.runs import Batching, chosen, halves, pieces, runs
from logyard.ports import Output, Place, Refused
from logyard.telemetry import Event

__all__ = [
    "BatchesForwarded",
    "BatchesGivenUp",
    "DeadLetterReplayed",
    "DeadLetterWritten",
    "Forward",
    "ForwardDelayed",
    "ForwardParts",
    "Letter",
    "Letters",
    "Queue",
    "Segment",
]

Answer = TypeVar("Answer")
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_WAIT_SECONDS: Final = 1.0
_MOST_REASONS: Final = 3
_random = SystemRandom()
_log = logging.getLogger("logyard")


class BatchesForwarded(Event, frozen=True, kw_only=True):
    """Records that the other side has for good; ``seconds`` is how long it took to hand them over."""

    output: str
    count: int
    seconds: float


class ForwardDelayed(Event, frozen=True, kw_only=True):
    """The other side did not take a batch now; it will be tried again."""

    output: str


class DeadLetterWritten(Event, frozen=True, kw_only=True):
    """Records that the other side will never take; they lie in the dead letters. Somebody must look."""

    severity = 40
    output: str
    count: int


class DeadLetterReplayed(Event, frozen=True, kw_only=True):
    """Records of dead letters that the other side has taken after all, or that were put back with a new reason."""

    output: str
    count: int


class BatchesGivenUp(Event, frozen=True, kw_only=True):
    """Records that an output has not delivered, for more waits than its ``max_backlog_bytes``. They are lost to it."""

    severity = 40
    output: str
    count: int


class Segment(Protocol):
    """One sealed segment of the log."""

    @property
    def number(self) -> int:
        """Rises."""
        ...

    def batches(self) -> Sequence[Batch]:
        """Its batches. Raises ``StoreFailed``."""
        ...


class Letter(Protocol):
    """A dead letter that somebody wants tried again. Blocking; may raise ``OSError``."""

    def batches(self) -> Sequence[Batch]:
        """What is in it. Raises ``Corrupt``."""
        ...

    def give_back(self, reason: str) -> None:
        """It was refused again."""
        ...

    def remove(self) -> None:
        """It was taken."""
        ...


class Letters(Protocol):
    """The dead letters of one output. Blocking; may raise ``OSError``."""

    def put_batch(self, batch: Batch, reason: str) -> object:
        """Keep a batch; the same again replaces itself."""
        ...

    def again(self) -> Sequence[Letter]:
        """Those that somebody wants tried again."""
        ...


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The log, as far as an output sees it: ``edge/wiring.py`` makes it of a cursor."""

    wait: Callable[[float, int], Sequence[Segment]]
    """Segments after this number, sealed; waits so many seconds for one. Blocking."""
    advance: Callable[[Segment], None]
    """This one is done with. Blocking; raises ``NotNow``."""
    delivered: Callable[[Batch], None]
    """Told of each batch when it is over, one way or the other."""
    waiting: Callable[[], int] = lambda: 0
    """Bytes that are sealed and not passed. Blocking; may raise ``OSError``."""


class ForwardParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a forwarder works with."""

    place: Place
    """The output's own."""
    dead: Letters
    """What the other side will never take."""
    parallel: int = 2
    """Runs under way at once."""
    batching: Batching = Batching()
    max_backlog_bytes: int = 0
    """Of more than so many bytes that wait, the oldest are given up; 0: none ever."""
    wanted: Callable[[Batch], Batch | None] | None = None
    """What is left of a batch for this output; None: everything, always. Pure; any thread."""


class _GivenUpError(Exception):
    """Too much waits behind it."""


class Forward:
    """One output and its cursor."""

    def __init__(self, name: str, output: Output, queue: Queue, *, parts: ForwardParts) -> None:
        """``run`` begins."""
        self.name = name
        self.trouble = ""
        """Why the other side takes nothing at the moment; "" while it does."""
        self._output = output
        self._queue = queue
        self._parts = parts
        self._clock = parts.place.clock
        self._telemetry = parts.place.telemetry
        self._giving_up = False

    async def run(self) -> None:
        """Until cancelled."""
        last = -1
        try:
            await self._patiently(self._open)
            while True:
                await self._try_letters()
                for segment in await asyncio.to_thread(self._queue.wait, _WAIT_SECONDS, last):
                    await self._segment(segment)
                    last = segment.number
        finally:
            await self._output.close()

    async def _open(self) -> None:
        """What is wrong with the output's settings shows as its trouble; the log keeps what is for it."""
        try:
            await self._output.open(self._parts.place)
        except BadInput as error:
            raise NotNow(str(error), retry_after=_LONGEST_PAUSE) from error

    async def _segment(self, segment: Segment) -> None:
        batches = await self._patiently(lambda: asyncio.to_thread(segment.batches))
        lanes: list[list[Batch]] = [[] for _ in range(self._parts.parallel)]
        for batch in batches:
            lanes[crc32(_source(batch).encode()) % self._parts.parallel].append(batch)
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                if lane:
                    group.create_task(self._lane(lane))
        self._giving_up = False
        await self._patiently(lambda: asyncio.to_thread(self._queue.advance, segment))

    async def _lane(self, batches: Sequence[Batch]) -> None:
        for run in runs(batches, self._parts.batching):
            wanted = await self._wanted(run)
            if len(wanted) > 1:
                await self._deliver(wanted)
            else:
                for piece in (piece for batch in wanted for piece in pieces(batch, self._parts.batching)):
                    await self._deliver([piece])
            for batch in run:
                self._queue.delivered(batch)

    async def _wanted(self, run: Sequence[Batch]) -> Sequence[Batch]:
        wanted = self._parts.wanted
        if wanted is None:
            return run
        found = await asyncio.to_thread(lambda: list(map(wanted, run)))
        return [batch for batch in found if batch is not None]

    async def _deliver(self, run: Sequence[Batch]) -> None:
        """Until the other side has it, or never will."""
        began = self._clock.monotonic()
        try:
            refused = await self._patiently(lambda: self._output.write(run), self._must_give_up)
        except _GivenUpError:
            self._telemetry.emit(BatchesGivenUp(output=self.name, count=sum(batch.rows for batch in run)))
            return
        except BadInput as error:
            await self._refused(run, error)
            return
        lost = await self._bury_rows(run, refused) if refused else 0
        seconds = self._clock.monotonic() - began
        count = sum(batch.rows for batch in run) - lost
        self._telemetry.emit(BatchesForwarded(output=self.name, count=count, seconds=seconds))

    async def _refused(self, run: Sequence[Batch], error: BadInput) -> None:
        """The smaller parts by themselves, where that can help; the rest is buried."""
        if len(run) > 1:
            parts: Sequence[Sequence[Batch]] = (run[: len(run) // 2], run[len(run) // 2 :])
        elif isinstance(error, TooLarge) and run[0].rows > 1:
            parts = [[half] for half in halves(run[0])]
        else:
            await self._bury(run[0], str(error))
            return
        for part in parts:
            await self._deliver(part)

    async def _must_give_up(self) -> bool:
        """Whether there is more behind it than may wait; once there is, the rest of its segment goes, too."""
        limit = self._parts.max_backlog_bytes
        if limit and not self._giving_up:
            with contextlib.suppress(OSError):
                self._giving_up = await asyncio.to_thread(self._queue.waiting) > limit
        return self._giving_up

    async def _patiently(
        self, attempt: Callable[[], Awaitable[Answer]], give_up: Callable[[], Awaitable[bool]] | None = None
    ) -> Answer:
        """The first answer that is not "not now"."""
        ceiling = _FIRST_PAUSE
        while True:
            if give_up is not None and self._giving_up:
                raise _GivenUpError
            try:
                answer = await attempt()
            except BadInput:
                raise
            except LogyardError as error:
                self._say(str(error).partition("\n")[0][:200])
                asked = error.retry_after if isinstance(error, NotNow) else 0.0
            except Exception as error:  # noqa: BLE001 - a stranger's output may raise what it likes
                _log.exception("output %s", self.name)
                self._say(f"unexpected: {error!r}"[:200])
                asked = 0.0
            else:
                self._say("")
                return answer
            self._telemetry.emit(ForwardDelayed(output=self.name))
            if give_up is not None and await give_up():
                raise _GivenUpError
            await asyncio.sleep(asked + _random.uniform(0, ceiling))
            ceiling = min(2 * ceiling, _LONGEST_PAUSE)

    def _say(self, trouble: str) -> None:
        """Told when it begins and when it is over, not with every try."""
        if trouble and not self.trouble:
            _log.warning("output %s takes nothing at the moment: %s", self.name, trouble)
        elif self.trouble and not trouble:
            _log.info("output %s takes records again", self.name)
        self.trouble = trouble

    async def _bury_rows(self, run: Sequence[Batch], refused: Sequence[Refused]) -> int:
        """Records that were refused one by one, into a letter for each batch; how many there were."""
        lost = 0
        for batch in run:
            mine = {each.row: each.reason for each in refused if each.batch == batch.id}
            if mine:
                reasons = list(dict.fromkeys(mine.values()))
                more = f"\n... and {len(reasons) - _MOST_REASONS} other reasons" if len(reasons) > _MOST_REASONS else ""
                await self._bury(chosen(batch, sorted(mine)), "\n".join(reasons[:_MOST_REASONS]) + more)
                lost += len(mine)
        return lost

    async def _bury(self, batch: Batch, reason: str) -> None:
        await self._kept(lambda: self._parts.dead.put_batch(batch, reason))
        self._telemetry.emit(DeadLetterWritten(output=self.name, count=batch.rows))

    async def _kept(self, work: Callable[[], Answer]) -> Answer:
        """Work on the dead letters, until the disk lets it be done."""

        def attempt() -> Answer:
            try:
                return work()
            except OSError as error:
                raise NotNow(f"dead letters of {self.name}: {error.strerror}", retry_after=5.0) from error
            except Corrupt as error:
                raise BadPayload(str(error)) from error

        return await self._patiently(lambda: asyncio.to_thread(attempt))

    async def _try_letters(self) -> None:
        """Each that somebody asks for, under the ids that it had."""
        for letter in await self._kept(self._parts.dead.again):
            await self._try_again(letter)

    async def _try_again(self, letter: Letter) -> None:
        try:
            batches = await self._kept(letter.batches)
            reason = await self._try_letter(batches)
        except BadInput as error:
            batches, reason = [], str(error)
        await self._kept(lambda: letter.give_back(reason) if reason else letter.remove())
        self._telemetry.emit(DeadLetterReplayed(output=self.name, count=sum(batch.rows for batch in batches)))

    async def _try_letter(self, batches: Sequence[Batch]) -> str:
        """Why it was refused as a whole; "" when it is over. Records refused one by one make a letter of their own."""
        refused = await self._patiently(lambda: self._output.write(batches))
        if len(refused) == sum(batch.rows for batch in batches):
            return "\n".join(dict.fromkeys(each.reason for each in refused))
        await self._bury_rows(batches, refused)
        return ""


def _source(batch: Batch) -> str:
    return dict(batch.body.reading.constants).get("source", "") if isinstance(batch.body, Encoded) else ""
