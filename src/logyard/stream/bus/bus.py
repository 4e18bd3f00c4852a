"""The bus of one node: a ``Tap`` before the hub, and the task that carries letters to and fro."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from logyard.clock import Clock
from logyard.errors import BadPayload, NotNow
from logyard.model.batch import Batch, Encoded
from logyard.stream.bus.letter import Greeting, Letter, batch_letter, greeting_letter, in_parts, open_letter
from logyard.stream.bus.link import Link
from logyard.stream.bus.nodes import Nodes
from logyard.stream.chunk import Nth
from logyard.stream.hub import Hub
from logyard.telemetry import Event, Telemetry

__all__ = [
    "Bus",
    "BusLetterRefused",
    "BusLost",
    "BusRowsDropped",
    "BusRowsMissed",
    "BusRowsPublished",
    "BusRowsReceived",
    "Itself",
    "MachineTaken",
]

_QUEUE_BYTES: Final = 32 << 20
_GREETING_SECONDS: Final = 0.5
_MOST_SHOWN: Final = 32
"""Nodes in a header."""
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 2.0


class BusRowsPublished(Event, frozen=True, kw_only=True):
    """Rows that went out to the other nodes."""

    count: int


class BusRowsDropped(Event, frozen=True, kw_only=True):
    """Rows that the other nodes' tails will miss: the bus was away or slow, or a line is longer than its messages."""

    count: int


class BusRowsReceived(Event, frozen=True, kw_only=True):
    """Rows that came from other nodes."""

    count: int


class BusRowsMissed(Event, frozen=True, kw_only=True):
    """Rows of other nodes that did not come; the tails were told."""

    count: int


class BusLetterRefused(Event, frozen=True, kw_only=True):
    """A message on the bus that is none of Logyard's, or damaged."""

    severity: ClassVar[int] = logging.WARNING


class BusLost(Event, frozen=True, kw_only=True):
    """The bus cannot be reached; ingest goes on, and it is tried again."""

    severity: ClassVar[int] = logging.WARNING
    detail: str


class MachineTaken(Event, frozen=True, kw_only=True):
    """Another node on the bus has our number (``ingest.machine``): ids of records may repeat. Somebody must act."""

    severity: ClassVar[int] = logging.ERROR
    node: str


class Itself(msgspec.Struct, frozen=True, kw_only=True):
    """What a node knows of itself."""

    node: str
    machine: int
    """-1: its ids have no machine number."""
    acknowledged: Callable[[], int]
    stored: Callable[[], int]
    lag: Callable[[], float]


class Bus:
    """``ports.Tap``: everything goes to the own hub first. All of it on the event loop."""

    def __init__(self, link: Link, hub: Hub, itself: Itself, *, telemetry: Telemetry, clock: Clock) -> None:
        """``run`` carries."""
        self._link = link
        self._hub = hub
        self._itself = itself
        self._nth: Nth = hub.nth
        self._telemetry = telemetry
        self._clock = clock
        self._instance = os.urandom(8)
        self._nodes = Nodes(itself.machine)
        self._queue: deque[tuple[int, Batch]] = deque()
        self._queued = 0
        self._rows = 0
        """Accepted so far, sent or not."""
        self._wake = asyncio.Event()
        self._trouble = "not connected yet"
        telemetry.watch("logyard_bus_connected", "1 while the bus answers.", lambda: float(not self._trouble))
        telemetry.watch("logyard_bus_waiting_bytes", "Bytes to send.", lambda: self._queued)
        telemetry.watch("logyard_bus_nodes", "Other nodes heard of.", lambda: len(self._nodes.neighbours(self._now())))

    @property
    def trouble(self) -> str:
        """What is wrong with it; "" when nothing is. For ``/readyz``, where it is no reason to be unready."""
        twins = self._nodes.twins(self._now())
        if twins:
            return f"{', '.join(twins)} has the same number as this node: give each its own ingest.machine"
        return self._trouble

    def lag(self) -> str:
        """The header ``Logyard-Nodes-Lag``: other nodes, and how far what they have acknowledged may be from being
        findable; of very many, those that lag most. Empty without any.
        """
        found = sorted(self._nodes.neighbours(self._now()), key=lambda each: -each.lag)[:_MOST_SHOWN]
        return ", ".join(sorted(map(str, found)))

    def publish(self, batch: Batch) -> None:
        """Take note of a committed batch. Returns at once, never raises."""
        self._hub.publish(batch)
        before, self._rows = self._rows, self._rows + batch.rows
        size = len(batch.body.lines) if isinstance(batch.body, Encoded) else int(batch.body.estimated_size())
        if self._trouble or self._queued + size > _QUEUE_BYTES:
            self._telemetry.emit(BusRowsDropped(count=batch.rows))
            return
        self._queue.append((before, batch))
        self._queued += size
        self._wake.set()

    async def run(self) -> None:
        """Carry letters until cancelled; a lost bus is looked for again and again."""
        delay = _FIRST_DELAY
        try:
            while True:
                try:
                    await self._link.open(self._receive)
                    delay = _FIRST_DELAY
                    await self._carry()
                except NotNow as error:
                    self._lose(str(error))
                await self._link.close()
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY)
        finally:
            await self._link.close()

    async def _carry(self) -> None:
        """While it lasts. Raises ``NotNow`` when it does not."""
        await self._greet()
        self._trouble = ""
        while True:
            greeted = self._now()
            while self._now() - greeted < _GREETING_SECONDS:
                await self._rest(_GREETING_SECONDS - (self._now() - greeted))
                while self._queue:
                    await self._send(*self._queue[0])
            await self._greet()

    async def _rest(self, seconds: float) -> None:
        """Until there is something to send, or it is time to greet."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _send(self, before: int, batch: Batch) -> None:
        for part in in_parts(batch, self._link.limit, self._nth):
            rows = part if isinstance(part, int) else part.rows
            if isinstance(part, int):
                self._telemetry.emit(BusRowsDropped(count=rows))
            else:
                await self._link.send(batch_letter(self._instance, before, part))
                self._telemetry.emit(BusRowsPublished(count=rows))
            before += rows
        self._queue.popleft()
        self._queued -= len(batch.body.lines) if isinstance(batch.body, Encoded) else int(batch.body.estimated_size())

    async def _greet(self) -> None:
        mine = Greeting(
            node=self._itself.node,
            machine=self._itself.machine,
            acknowledged=self._itself.acknowledged(),
            stored=self._itself.stored(),
            lag=self._itself.lag(),
        )
        # Rows that wait in the queue are not missed yet.
        before = self._queue[0][0] if self._queue else self._rows
        await self._link.send(greeting_letter(self._instance, before, mine))
        await self._link.settle()

    def _lose(self, detail: str) -> None:
        if detail != self._trouble:
            self._telemetry.emit(BusLost(detail=detail))
        self._trouble = detail
        dropped = sum(batch.rows for _, batch in self._queue)
        if dropped:
            self._telemetry.emit(BusRowsDropped(count=dropped))
        self._queue.clear()
        self._queued = 0

    def _receive(self, data: bytes) -> None:
        """A letter came: ``link.Receive``."""
        try:
            letter = open_letter(data, whole=self._hub.subscribers > 0)
        except BadPayload:
            self._telemetry.emit(BusLetterRefused())
            return
        if letter.instance != self._instance:
            self._take(letter)

    def _take(self, letter: Letter) -> None:
        content = letter.content
        rows = 0 if isinstance(content, Greeting) else content.rows
        missed = self._nodes.missed(letter.instance, letter.before, rows)
        if missed:
            self._telemetry.emit(BusRowsMissed(count=missed))
            self._hub.skip(missed)
        if isinstance(content, Greeting):
            self._meet(letter.instance, content)
            return
        self._telemetry.emit(BusRowsReceived(count=rows))
        if isinstance(content, Batch):
            self._hub.publish(content, foreign=True)
        else:
            self._hub.recall(content.first, rows)

    def _meet(self, instance: bytes, greeting: Greeting) -> None:
        if self._nodes.greet(instance, greeting, self._now()):
            self._telemetry.emit(MachineTaken(node=greeting.node))

    def _now(self) -> float:
        return self._clock.monotonic()
