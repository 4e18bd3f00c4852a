"""One container's log for one reader: its last lines, then what comes, over restarts of container, engine and reader.

    the last N ──► this life, from the cursor on ──► ended? wait for the next life ──► marker ──► from the cursor on ...

A container that is asked for by name may be made anew under that name; its log is then another one and is read from its
beginning. ``linger`` bounds how long a follow waits for a next life.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

import msgspec

from logyard.agent.cursor import Cursor, Resume
from logyard.agent.driver import Container, Driver, EngineDown, Line, NoSuchContainer, Reading
from logyard.agent.window import DISORDER, Window, cut
from logyard.clock import Clock

__all__ = ["Gap", "Lines", "Marker", "Request", "Said", "read"]

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader wants."""

    name: str
    window: Window = Window()
    tail: int = 0
    follow: bool = False
    cursor: Cursor | None = None
    timed: bool = True
    """False: runs of output will do; then there are no cursors, and only the streams may be chosen."""
    linger: float = 10.0
    """Seconds."""


class Lines(msgspec.Struct, frozen=True):
    """Lines that are wanted, and the place behind them."""

    lines: Sequence[Line]
    cursor: Cursor | None


class Gap(msgspec.Struct, frozen=True):
    """The engine has lost lines between these times, before they were read."""

    after: int
    before: int


class Marker(msgspec.Struct, frozen=True):
    """Something that a reader should know: restarted, recreated, stopped, removed, reconnected."""

    kind: str
    container: str


Said = Lines | Gap | Marker


async def read(driver: Driver, request: Request, clock: Clock) -> AsyncGenerator[Said, None]:
    """Everything there is to say, until the log or the follow ends. Raises ``NoSuchContainer``, ``EngineDown`` ..."""
    reader = _Reader(driver, request, clock)
    async for said in reader.run(await driver.inspect(request.name)):
        yield said


class _Reader:
    """One reader: where it is, and in which of the container's lives."""

    def __init__(self, driver: Driver, request: Request, clock: Clock) -> None:
        self._driver, self._request, self._clock = driver, request, clock
        self._wanted = cut(request.window)
        self._cursor = request.cursor or Cursor("")

    async def run(self, container: Container) -> AsyncIterator[Said]:
        """All of it."""
        request, fresh = self._request, self._cursor.id != container.id
        self._cursor = Cursor(container.id) if fresh else self._cursor
        if fresh and request.tail:
            yield await self._last(container)
        if request.follow:
            rest = self._lives(container)
        elif fresh and request.tail:
            return
        else:
            rest = self._once(container) if request.timed else self._untimed(container)
        async for said in rest:
            yield said

    async def _once(self, container: Container) -> AsyncIterator[Said]:
        async for said in self._life(container):
            yield said
        await self._still_there()

    async def _untimed(self, container: Container) -> AsyncIterator[Said]:
        window = self._request.window
        async for runs in self._driver.lines(
            container, Reading(timed=False, stdout=window.stdout, stderr=window.stderr)
        ):
            yield Lines(self._wanted(runs), None)
        await self._still_there()

    async def _still_there(self) -> None:
        """The end of a log that is not followed is the end only when the engine did not die over it."""
        await self._driver.ping()

    async def _last(self, container: Container) -> Lines:
        """The last lines that are wanted: the engine need not give more where all are."""
        request, window = self._request, self._request.window
        reading = Reading(tail=request.tail) if window.whole else Reading(since=max(0, window.since - DISORDER))
        kept: deque[Line] = deque(maxlen=request.tail)
        async for lines in self._driver.lines(container, reading):
            self._cursor = self._cursor.after(lines)
            kept.extend(self._wanted(lines))
        await self._still_there()
        return Lines(list(kept), self._cursor)

    async def _lives(self, container: Container) -> AsyncIterator[Said]:
        while True:
            lost = False
            try:
                async for said in self._life(container):
                    yield said
            except (EngineDown, NoSuchContainer):
                lost = True
            if 0 < self._request.window.until <= self._clock.now():
                return
            found = _NextLife(self._driver, container, self._request, clock=self._clock)
            async for marker in found.search(lost=lost):
                yield marker
            if found.container is None:
                return
            if found.container.id != container.id:
                self._cursor = Cursor(found.container.id)
            container = found.container

    async def _life(self, container: Container) -> AsyncIterator[Lines | Gap]:
        request, before = self._request, self._cursor
        since = max(0, max(request.window.since, before.time) - DISORDER)
        resume, until, told = Resume(before), request.window.until, False
        async for lines in self._driver.lines(container, Reading(since=since, follow=request.follow)):
            fresh = resume.feed(lines)
            if resume.lost_before and not told:
                told = True
                yield Gap(before.latest, resume.lost_before)
            self._cursor = self._cursor.after(fresh)
            if fresh:
                yield Lines(self._wanted(fresh), self._cursor)
            if until and self._cursor.latest >= until + DISORDER:
                return


class _NextLife:
    """Waits for a container to come back."""

    def __init__(self, driver: Driver, before: Container, request: Request, *, clock: Clock) -> None:
        self._driver, self._before, self._request, self._clock = driver, before, request, clock
        self.container: Container | None = None
        """What was found; None when nothing came in time."""

    async def search(self, *, lost: bool) -> AsyncIterator[Marker]:
        """Return when it is back or when that takes too long, saying what happened meanwhile."""
        pause, told = _FIRST_PAUSE, ""
        deadline = self._clock.monotonic() + self._request.linger
        while True:
            await asyncio.sleep(pause)
            state, now = await self._look()
            lost = lost or state == "lost"
            if now is not None and self._is_next(now):
                self.container = now
                if kind := self._kind(now, lost=lost):
                    yield Marker(kind, now.id)
                return
            if state in {"stopped", "removed"} and state != told:
                told = state
                yield Marker(state, self._before.id)
            if self._clock.monotonic() > deadline:
                return
            pause = min(_LONGEST_PAUSE, 1.5 * pause)

    async def _look(self) -> tuple[str, Container | None]:
        try:
            now = await self._driver.inspect(self._request.name)
        except NoSuchContainer:
            return "removed", None
        except EngineDown:
            return "lost", None
        return "" if now.alive else "stopped", now

    def _is_next(self, now: Container) -> bool:
        return now.id != self._before.id or now.state == "running" or now.started != self._before.started

    def _kind(self, now: Container, *, lost: bool) -> str:
        if now.id != self._before.id:
            return "recreated"
        if now.started != self._before.started:
            return "restarted"
        return "reconnected" if lost else ""
