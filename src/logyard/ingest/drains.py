"""All drains of a store as one: a drain for each sink, each at its own pace, and what a query waits for.

A sink that is away holds back only its own cursor. A query waits for the sinks that it will be answered from: in each
group those that are ready. Where none is ready but one is on its way to be, the query waits for that; where all are
away there is nothing to wait for, and the store will say so.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from logyard.clock import Clock
from logyard.ingest.drain import Drain

__all__ = ["Drains"]

_LOOK_AGAIN: Final = 0.1
"""Seconds after which a waiting query looks whether a sink has gone away or has come back."""


class Drains:
    """The drains of every group of sinks."""

    def __init__(self, groups: Sequence[Sequence[Drain]], *, clock: Clock) -> None:
        """``start`` begins."""
        self._groups = groups
        self._clock = clock

    def __iter__(self) -> Iterator[Drain]:
        """Every drain, group by group."""
        return (drain for group in self._groups for drain in group)

    def start(self) -> None:
        """Begin with what the last run left."""
        for drain in self:
            drain.start()

    @property
    def alive(self) -> bool:
        """Whether all of them still work."""
        return all(drain.alive for drain in self)

    @property
    def trouble(self) -> Mapping[str, str]:
        """Why sinks take nothing at the moment, by the names of their cursors."""
        return {drain.sink.name: drain.trouble for drain in self if drain.trouble}

    def passed(self) -> int:
        """The position up to which a query finds everything."""
        return min(_passed(group) for group in self._groups)

    async def settle(self, seconds: float) -> bool:
        """Wait until all that is acknowledged now can be found; False when that took longer than ``seconds``."""
        return all(await asyncio.gather(*(self._settled(group, seconds) for group in self._groups)))

    def stop(self, seconds: float) -> bool:
        """Store what is sealed, then end; False when it was not done in time (the rest stays in the log)."""
        deadline = self._clock.monotonic() + seconds
        for drain in self:
            drain.halt()
        stopped = [drain.stop(max(0.0, deadline - self._clock.monotonic())) for drain in self]
        return all(stopped)

    async def _settled(self, group: Sequence[Drain], seconds: float) -> bool:
        waits = {drain: asyncio.ensure_future(drain.settle(seconds)) for drain in group}
        try:
            while True:
                watched = _watched(group)
                if all(waits[drain].done() for drain in watched):
                    return all(waits[drain].result() for drain in watched)
                pending = [wait for wait in waits.values() if not wait.done()]
                await asyncio.wait(pending, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits.values():
                wait.cancel()


def _watched(group: Sequence[Drain]) -> list[Drain]:
    """Whom a query waits for: those that answer, or else those that soon may."""
    states = {drain: drain.sink.state for drain in group}
    return [drain for drain in group if states[drain] == "ready"] or [
        drain for drain in group if states[drain] == "behind"
    ]


def _passed(group: Sequence[Drain]) -> int:
    """How far every sink is that a query may be answered from; where none is, the furthest has all that counts."""
    ready = [drain.passed() for drain in group if drain.sink.state == "ready"]
    return min(ready) if ready else max(drain.passed() for drain in group)
