"""One live tail: what is stored already, then what comes in, joined without gap or duplicate.

How the two are joined: the tail subscribes first, so that its queue collects what is published; then it
asks the store, which answers with everything acknowledged before the question, and perhaps a little more;
then it reads its queue and leaves out the records that the store had given. Records are compared by id, one
by one: ids rise with time, but two batches may be acknowledged in the other order, so a comparison by size
would lose some.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import msgspec

from logyard.stream.chunk import NO_ROWS, Chunk, Missed, Watch
from logyard.stream.hub import Hub
from logyard.stream.subscription import Subscription
from logyard.types import LogId

__all__ = ["HEARTBEAT_SECONDS", "Heartbeat", "History", "Tail", "TailEvent"]

HEARTBEAT_SECONDS: Final = 15.0
"""Longest silence; then comes a ``Heartbeat``, so that a dead connection is noticed on both sides."""

_OVERLAP_SECONDS: Final = 10.0
"""How long after the store's answer a record of it may still be published; it takes milliseconds."""

_CHUNK_ROWS: Final = 500
_CHUNK_BYTES: Final = 256 << 10


class Heartbeat(msgspec.Struct, frozen=True):
    """Nothing happened for a while."""


TailEvent = Chunk | Missed | Heartbeat

History = Callable[[], Awaitable[Chunk]]
"""The stored records that stand before the live ones, oldest first; everything acknowledged before the call
is seen.
"""


class Tail:
    """One subscriber's stream of events. A context: leaving it ends the subscription.

    The constructor subscribes (and raises what ``Hub.subscribe`` raises), so that nothing is missed from
    then on.
    """

    def __init__(
        self,
        hub: Hub,
        watch: Watch,
        history: History | None = None,
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        """``heartbeat``: longest silence, in seconds."""
        self._subscription = hub.subscribe(watch)
        self._history = history
        self._heartbeat = heartbeat

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; may be called twice."""
        self._subscription.close()

    async def events(self) -> AsyncIterator[TailEvent]:
        """History, then live, until the hub closes. Raises what the history raises, and what ends the
        watch.
        """
        stored = await self._history() if self._history is not None else NO_ROWS
        for part in stored.parts(_CHUNK_ROWS, _CHUNK_BYTES):
            if part.rows:
                yield part
        seen = _Seen(stored)
        while (event := await self._next()) is not None:
            rest = seen.leave_out(event)
            if rest is not None:
                yield rest

    async def _next(self) -> TailEvent | None:
        return await next_event(self._subscription, self._heartbeat)


async def next_event(subscription: Subscription, heartbeat: float) -> TailEvent | None:
    """What the subscription has next, or a ``Heartbeat`` after so many seconds; None at its end."""
    try:
        async with asyncio.timeout(heartbeat):
            return await subscription.take()
    except TimeoutError:
        return Heartbeat()


class _Seen:
    """The records that the store gave and that may come again."""

    def __init__(self, stored: Chunk) -> None:
        self._ids: frozenset[LogId] = frozenset(stored.ids)
        self._until = asyncio.get_running_loop().time() + _OVERLAP_SECONDS

    def leave_out(self, event: TailEvent) -> TailEvent | None:
        """The event without what was seen; None when nothing is left of it."""
        if not self._ids:
            return event
        if asyncio.get_running_loop().time() > self._until:
            self._ids = frozenset()
            return event
        if isinstance(event, Missed):
            # Some of what the queue lost may have been in the store's answer.
            return Missed(count=event.count, exact=False)
        if isinstance(event, Heartbeat):
            return event
        rest = event.without(self._ids)
        return rest if rest.rows else None
