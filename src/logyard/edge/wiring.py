"""Receivers in front of a write-ahead log and outputs behind it; part of a server, or all of a ``logyard ship``.

    receivers ──► Counted ──► inlet ──► Wal ──► Forward, one an output ──► outputs
        │            │                    │
        └── resume ◄─┴── marks ◄──────────┘   before the log lets go of a segment: settle

Nothing here imports the engine or the web framework.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Protocol, cast, runtime_checkable

import msgspec

from logyard import registry
from logyard.clock import Clock
from logyard.config import Config
from logyard.edge.outlet import KeepsFiles, Outlet, named, outlets
from logyard.errors import LogyardError
from logyard.ingest.dead_letter import DeadLetters, letters
from logyard.model.batch import Batch, Encoded, Receipt
from logyard.outputs.forward import Forward, ForwardParts, Queue
from logyard.ports import Buffer, Inlet, Place, Receiver, Resuming, Submission
from logyard.receivers.files import Files
from logyard.receivers.tailing.position import Position
from logyard.telemetry import Event, Telemetry

__all__ = ["Edge", "ReceiverFailed"]

_CURSOR: Final = "output-"
_HELD: Final = "held"
"""Keeps all that is in the log for whoever runs next."""
_AGAIN_SECONDS: Final = 2.0
_log = logging.getLogger("logyard")


class ReceiverFailed(Event, frozen=True, kw_only=True):
    """A receiver ended where it should not have; it is started again."""

    severity = 40
    receiver: str


class _Named(NamedTuple):
    name: str
    part: object


@runtime_checkable
class _Finite(Protocol):
    """A receiver that can come to an end."""

    def finish(self) -> None:
        """Take what there is, and return from ``run``."""
        ...


class _Counted:
    """``ports.Inlet`` of one receiver: its marks carry its name, its records are counted by source."""

    def __init__(self, name: str, inlet: Inlet, taken: "Counter[str]") -> None:
        self._name = name
        self._inlet = inlet
        self._taken = taken

    async def accept(self, submission: Submission) -> Receipt:
        if submission.mark:
            submission = msgspec.structs.replace(submission, mark=f"{self._name} {submission.mark}")
        receipt = await self._inlet.accept(submission)
        self._taken[_source(submission.body)] += receipt.rows
        return receipt


class Edge:
    """What the sections ``receivers`` and ``outputs`` say. ``attach`` to a log, then ``running``."""

    def __init__(self, config: Config, *, clock: Clock, telemetry: Telemetry, idle: bool = False) -> None:
        """``idle``: nothing is collected and nothing sent; what waits for that in the log goes on waiting.

        Raises ``BadConfig`` that names the setting.
        """
        self._config = msgspec.structs.replace(config, receivers=(), outputs=()) if idle else config
        self._idle = idle
        self.clock = clock
        self._telemetry = telemetry
        self._receivers = [
            _Named(name, part)
            for name, part in _built("receivers", self._config.receivers)
            if isinstance(part, Receiver)
        ]
        self._outputs = outlets(self._config.outputs)
        self._forwards: list[Forward] = []
        self.wal: Buffer | None = None
        """What it is attached to."""
        self._taken: Counter[str] = Counter()
        self._passed: dict[str, Counter[str]] = {each.name: Counter() for each in self._outputs}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._receiving: dict[str, asyncio.Task[None]] = {}

    def attach(self, wal: Buffer) -> None:
        """Before anybody advances in the log: receivers learn where they were, outputs get their cursors."""
        self.wal = wal
        marks = wal.marks()
        if self._idle:
            if marks or any(cursor.startswith(_CURSOR) for cursor in wal.stats().lag):
                wal.register(_HELD)
            return
        for name, receiver in self._receivers:
            if isinstance(receiver, Resuming):
                directory = self._config.data / "receivers" / name
                directory.mkdir(parents=True, exist_ok=True)
                place = Place(
                    directory=directory,
                    marks=_marks_of(name, marks),
                    clock=self.clock,
                    telemetry=self._telemetry,
                )
                receiver.resume(place)
        wal.before_release(self._settle)
        for outlet in self._outputs:
            wal.register(_CURSOR + outlet.name)
        self._settle(marks)
        wanted = {_CURSOR + outlet.name for outlet in self._outputs}
        for cursor in wal.stats().lag:
            if cursor == _HELD or (cursor.startswith(_CURSOR) and cursor not in wanted):
                wal.forget(cursor)  # an output that the configuration names no longer holds nothing back

    @asynccontextmanager
    async def running(self, inlet: Inlet) -> AsyncIterator[None]:
        """Receivers and outputs at work; stopped on the way out, receivers first."""
        self._forwards = [self._forward(outlet) for outlet in self._outputs]
        self._watch()
        async with contextlib.AsyncExitStack() as stack:
            for forward in self._forwards:
                self._sending[forward.name] = await stack.enter_async_context(_task(forward.run(), forward.name))
            for name, receiver in self._receivers:
                counted = _Counted(name, inlet, self._taken)
                work = self._kept_running(name, cast("Receiver", receiver), counted)
                self._receiving[name] = await stack.enter_async_context(_task(work, name))
            yield

    def _watch(self) -> None:
        """The gauges of outputs."""
        self._telemetry.watch_each(
            "logyard_dead_letters_kept",
            "Dead letters, by the output or store that would not take them.",
            label="place",
            read=lambda: Counter(letter.place for letter in letters(self._config.data / "dead_letters")),
        )
        self._telemetry.watch_each(
            "logyard_output_away",
            "1 while an output takes nothing.",
            label="output",
            read=lambda: {forward.name: float(bool(forward.trouble)) for forward in self._forwards},
        )
        kept = [(each.name, each.output) for each in self._outputs]
        self._telemetry.watch_each(
            "logyard_output_files_bytes",
            "Disk that an output's complete files use.",
            label="output",
            read=lambda: {name: output.used_bytes() for name, output in kept if isinstance(output, KeepsFiles)},
        )

    async def stop_receiving(self) -> None:
        """Nothing new from now on; what is being handed in is finished."""
        for task in self._receiving.values():
            task.cancel()
        await asyncio.gather(*self._receiving.values(), return_exceptions=True)

    async def finished(self) -> None:
        """Wait until every receiver has come to the end of what there is."""
        for _, receiver in self._receivers:
            if isinstance(receiver, _Finite):
                receiver.finish()
        await asyncio.gather(*self._receiving.values())

    @property
    def troubles(self) -> Mapping[str, str]:
        """Outputs that take nothing at the moment, and why."""
        return {forward.name: forward.trouble for forward in self._forwards if forward.trouble}

    def positions(self) -> Sequence[Position]:
        """Where every followed file stands."""
        return [each for _, part in self._receivers if isinstance(part, Files) for each in part.positions()]

    def pending(self) -> Mapping[str, int]:
        """Records by source that some output has not delivered; those from before this process's start have none."""
        if not self._passed:
            return {}
        least = {source: min(passed[source] for passed in self._passed.values()) for source in self._taken}
        return {source: rows - least[source] for source, rows in self._taken.items() if rows > least[source]}

    def _settle(self, marks: Sequence[str]) -> None:
        for name, receiver in self._receivers:
            if isinstance(receiver, Resuming) and (mine := _marks_of(name, marks)):
                receiver.settle(mine)

    def _forward(self, outlet: Outlet) -> Forward:
        wal = self.wal
        if wal is None:
            raise LogyardError("an edge is attached to a log before it runs")
        cursor = _CURSOR + outlet.name

        def delivered(batch: Batch) -> None:
            self._passed[outlet.name][_source(batch.body)] += batch.rows

        queue = Queue(
            wait=lambda seconds, after: wal.wait(cursor, seconds, after=after),
            advance=lambda segment: wal.advance(cursor, segment),  # type: ignore[arg-type] # the log's own
            delivered=delivered,
            waiting=lambda: sum(segment.path.stat().st_size for segment in wal.sealed(cursor)),
        )
        directory = self._config.data / "outputs" / outlet.name
        parts = ForwardParts(
            place=Place(directory=directory, clock=self.clock, telemetry=self._telemetry),
            dead=DeadLetters(self._config.data / "dead_letters", outlet.name),
            parallel=self._config.collect.parallel,
            batching=outlet.batching,
            max_backlog_bytes=outlet.max_backlog_bytes,
            wanted=outlet.wanted,
        )
        return Forward(outlet.name, outlet.output, queue, parts=parts)

    async def _kept_running(self, name: str, receiver: Receiver, inlet: Inlet) -> None:
        """A receiver that fails is started again; one that returns has done its work."""
        while True:
            try:
                await receiver.run(inlet)
            except Exception:  # noqa: BLE001 - a stranger's receiver may raise what it likes
                _log.exception("receiver %s", name)
                self._telemetry.emit(ReceiverFailed(receiver=name))
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return


def _built(family: str, sections: Sequence[Mapping[str, object]]) -> list[_Named]:
    """The components, each with a name of its own."""
    return [
        _Named(name, registry.build(family, settings, path=f"{family}[{index}]"))
        for index, (name, settings) in enumerate(named(family, sections))
    ]


def _marks_of(name: str, marks: Sequence[str]) -> list[str]:
    prefix = f"{name} "
    return [mark.removeprefix(prefix) for mark in marks if mark.startswith(prefix)]


def _source(body: object) -> str:
    return dict(body.reading.constants).get("source", "") if isinstance(body, Encoded) else ""


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator["asyncio.Task[None]"]:
    """A task that lives as long as the context."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
