"""What drives an output: a cursor of its own over the write-ahead log, at its own pace.

    segment ──► lanes, one batch each ──► write ──► all of it delivered ──► cursor moves
                     │ NotNow      again: full jitter, never sooner than the other side asks for
                     │ TooLarge    in two halves, each with an id that follows from the whole's
                     └ BadInput    to the dead letters, counted: what is behind it must go on

Batches of one source go one after another. A crash repeats what was under way, under the same ids.
"""

import asyncio
import io
import os
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from random import SystemRandom
from typing import Final, Protocol, TypeVar

import msgspec
import polars as pl

from logyard.clock import Clock
from logyard.errors import BadInput, LogyardError, NotNow, TooLarge
from logyard.model.batch import Batch, Encoded
from logyard.ports import Output
from logyard.telemetry import Event, Telemetry
from logyard.types import BatchId

__all__ = [
    "BatchesForwarded",
    "DeadLetterWritten",
    "Forward",
    "ForwardDelayed",
    "ForwardParts",
    "Queue",
    "Segment",
    "halves",
]

Answer = TypeVar("Answer")
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_WAIT_SECONDS: Final = 1.0
_random = SystemRandom()


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


class Segment(Protocol):
    """One sealed segment of the log."""

    @property
    def number(self) -> int:
        """Rises."""
        ...

    def batches(self) -> Sequence[Batch]:
        """Its batches. Raises ``StoreFailed``."""
        ...


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The log, as far as an output sees it: ``edge.py`` makes it of a cursor."""

    wait: Callable[[float, int], Sequence[Segment]]
    """Segments after this number, sealed; waits so many seconds for one. Blocking."""
    advance: Callable[[Segment], None]
    """This one is done with. Blocking; raises ``NotNow``."""
    delivered: Callable[[Batch], None]
    """Told of each batch when it is over, one way or the other."""


class ForwardParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a forwarder works with."""

    dead: Path
    """Directory of what the other side will never take."""
    clock: Clock
    telemetry: Telemetry
    parallel: int = 2
    """Batches under way at once."""


class Forward:
    """One output and its cursor."""

    def __init__(self, name: str, output: Output, queue: Queue, *, parts: ForwardParts) -> None:
        """``run`` begins."""
        self.name = name
        self.trouble = ""
        """Why the other side takes nothing at the moment; "" while it does."""
        self._output = output
        self._queue = queue
        self._dead = parts.dead
        self._clock = parts.clock
        self._telemetry = parts.telemetry
        self._parallel = parts.parallel

    async def run(self) -> None:
        """Until cancelled."""
        await self._output.open()
        last = -1
        try:
            while True:
                for segment in await asyncio.to_thread(self._queue.wait, _WAIT_SECONDS, last):
                    await self._segment(segment)
                    last = segment.number
        finally:
            await self._output.close()

    async def _segment(self, segment: Segment) -> None:
        batches = await self._patiently(lambda: asyncio.to_thread(segment.batches))
        lanes: list[list[Batch]] = [[] for _ in range(self._parallel)]
        for batch in batches:
            lanes[hash(_source(batch)) % self._parallel].append(batch)
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                if lane:
                    group.create_task(self._lane(lane))
        await self._patiently(lambda: asyncio.to_thread(self._queue.advance, segment))

    async def _lane(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            await self._deliver(batch)
            self._queue.delivered(batch)

    async def _deliver(self, batch: Batch) -> None:
        """Until the other side has it, or never will."""
        began = self._clock.monotonic()
        try:
            await self._patiently(lambda: self._output.write(batch))
        except TooLarge as error:
            if batch.rows == 1:
                await self._bury(batch, error)
                return
            for half in halves(batch):
                await self._deliver(half)
        except BadInput as error:
            await self._bury(batch, error)
        else:
            seconds = self._clock.monotonic() - began
            self._telemetry.emit(BatchesForwarded(output=self.name, count=batch.rows, seconds=seconds))

    async def _patiently(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """The first answer that is not "not now"."""
        ceiling = _FIRST_PAUSE
        while True:
            try:
                answer = await attempt()
            except BadInput:
                raise
            except LogyardError as error:
                self.trouble = str(error).partition("\n")[0][:200]
                self._telemetry.emit(ForwardDelayed(output=self.name))
                asked = error.retry_after if isinstance(error, NotNow) else 0.0
            else:
                self.trouble = ""
                return answer
            await asyncio.sleep(asked + _random.uniform(0, ceiling))
            ceiling = min(2 * ceiling, _LONGEST_PAUSE)

    async def _bury(self, batch: Batch, reason: LogyardError) -> None:
        await self._patiently(lambda: asyncio.to_thread(_write_dead, self._dead, batch, str(reason)))
        self._telemetry.emit(DeadLetterWritten(output=self.name, count=batch.rows))


def halves(batch: Batch) -> Sequence[Batch]:
    """The batch in two. The same batch gives the same halves under the same ids."""
    if isinstance(batch.body, Encoded):
        bodies: Sequence[Encoded | pl.DataFrame] = _split(batch.body)
    else:
        bodies = (batch.body.head(batch.rows // 2), batch.body.tail(-(batch.rows // 2)))
    ids = (BatchId(blake2b(batch.id + bytes([number]), digest_size=16).digest()) for number in range(2))
    return [msgspec.structs.replace(batch, id=each, body=body) for each, body in zip(ids, bodies, strict=True)]


def _split(body: Encoded) -> tuple[Encoded, Encoded]:
    middle = body.lines.find(b"\n", len(body.lines) // 2)
    middle = body.lines.rfind(b"\n") if middle < 0 else middle
    first, second = body.lines[:middle], body.lines[middle + 1 :]
    rows = first.count(b"\n") + 1
    return (
        Encoded(lines=first, rows=rows, reading=body.reading),
        Encoded(lines=second, rows=body.rows - rows, reading=body.reading),
    )


def _source(batch: Batch) -> str:
    return dict(batch.body.reading.constants).get("source", "") if isinstance(batch.body, Encoded) else ""


def _write_dead(directory: Path, batch: Batch, reason: str) -> None:
    """``<id>.lines`` or ``<id>.arrow``, and ``<id>.reason`` with what the other side said and how to read the lines.

    Raises ``NotNow`` when the disk refuses.
    """
    stem = directory / batch.id.hex()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if isinstance(batch.body, Encoded):
            _write(stem.with_suffix(".lines"), batch.body.lines + b"\n")
            reason = f"{reason}\n{batch.body.reading.encode()}"
        else:
            buffer = io.BytesIO()
            batch.body.write_ipc(buffer)
            _write(stem.with_suffix(".arrow"), buffer.getvalue())
        _write(stem.with_suffix(".reason"), f"{reason}\n".encode())
    except OSError as error:
        raise NotNow(f"cannot write the dead letter {stem}: {error.strerror}", retry_after=5.0) from error


def _write(path: Path, data: bytes) -> None:
    """Durably: the log lets go of it next."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
