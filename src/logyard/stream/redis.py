"""Every record that this node accepted on Redis channels: ``logs:all``, and ``logs:<service>`` for its service.

The publisher is one more subscriber of the hub, so Redis can delay nobody: while it is away, rows wait in
the bounded queue, then the oldest go and are counted (``logyard_redis_rows_dropped_total``). A message is
one JSON object, the record with the keys it came with, and ``log_id``. Rows go out in small transactions;
when a connection breaks before Redis has confirmed one, it is sent again, so a message may come twice then,
with the same ``log_id``.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from logyard.errors import BadConfig, MissingPart
from logyard.stream.chunk import NO_ROWS, Chunk, Missed, Watch
from logyard.stream.hub import Hub
from logyard.stream.tail import next_event
from logyard.telemetry import Event, Telemetry

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["EVERYTHING", "RedisLost", "RedisPublisher", "RedisRowsDropped", "RedisRowsPublished", "channels"]

EVERYTHING: Final = "logs:all"
"""The channel that has every record."""

_TIMEOUT_SECONDS: Final = 5.0
_PROBE_SECONDS: Final = 5.0
"""After so much silence Redis is asked whether it is still there."""
_TRANSACTION_ROWS: Final = 100
"""Some milliseconds of work for the event loop."""
_TRANSACTION_BYTES: Final = 1 << 20
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0


class RedisRowsPublished(Event, frozen=True, kw_only=True):
    """Rows that Redis has confirmed."""

    count: int


class RedisRowsDropped(Event, frozen=True, kw_only=True):
    """Rows that were not published: Redis was away for too long, or the live side was overloaded."""

    count: int


class RedisLost(Event, frozen=True, kw_only=True):
    """Redis cannot be reached; ingest goes on, and the publisher tries again."""

    severity: ClassVar[int] = logging.WARNING
    detail: str


def channels(service: str) -> tuple[str, ...]:
    """Where a record of this service is published."""
    own = f"logs:{service}"
    return (EVERYTHING,) if own == EVERYTHING else (EVERYTHING, own)


def _messages(chunk: Chunk) -> Iterator[tuple[str, bytes]]:
    for line, service in zip(chunk.lines, chunk.services, strict=True):
        for channel in channels(service):
            yield channel, line


class RedisPublisher:
    """Publishes what the hub hands out until it is cancelled. Losing Redis is a state, not an error."""

    def __init__(self, hub: Hub, watch: Watch, *, url: str, telemetry: Telemetry) -> None:
        """``watch`` gives rows with services (``stream/records.py``). ``BadConfig`` for a bad ``url``."""
        self._client, self._failure = _client(url)
        self._telemetry = telemetry
        self._hub = hub
        self._ended = asyncio.Event()
        self._subscription = hub.subscribe(watch, limited=False, foreign=False)
        self._trouble = "not connected yet"
        telemetry.watch("logyard_redis_connected", "1 while Redis answers.", lambda: float(not self._trouble))
        telemetry.watch("logyard_redis_waiting_rows", "Rows to publish.", lambda: self._subscription.waiting)

    @property
    def trouble(self) -> str:
        """Why Redis does not answer; "" while it does. For ``/readyz``, where it is no reason to be
        unready.
        """
        return self._trouble

    async def finish(self, seconds: float) -> None:
        """Publish what has been published to the hub so far, for at most so many seconds; then ``run`` ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hub.settle()
                self._subscription.finish()
                await self._ended.wait()

    async def run(self) -> None:
        """Publish until cancelled or until the hub closes."""
        try:
            await self._probe()
            while (event := await next_event(self._subscription, _PROBE_SECONDS)) is not None:
                if isinstance(event, Chunk):
                    await self._publish(event)
                elif isinstance(event, Missed):
                    self._telemetry.emit(RedisRowsDropped(count=event.count))
                else:
                    await self._probe()
        finally:
            self._ended.set()
            self._subscription.close()
            await self._client.aclose()

    async def _probe(self) -> None:
        await self._insist(NO_ROWS)

    async def _publish(self, chunk: Chunk) -> None:
        for part in chunk.parts(_TRANSACTION_ROWS, _TRANSACTION_BYTES):
            await self._insist(part)
            self._telemetry.emit(RedisRowsPublished(count=part.rows))

    async def _insist(self, chunk: Chunk) -> None:
        """Try until Redis has confirmed it."""
        delay = _FIRST_DELAY
        while trouble := await self._attempt(chunk):
            if trouble != self._trouble:
                self._telemetry.emit(RedisLost(detail=trouble))
            self._trouble = trouble
            # Full jitter, so that many processes do not come back at the same moment.
            await asyncio.sleep(random.uniform(0, delay))  # noqa: S311 - jitter is no secret
            delay = min(delay * 2, _LONGEST_DELAY)
        self._trouble = ""

    async def _attempt(self, chunk: Chunk) -> str:
        """Why it did not work, "" when it did."""
        try:
            async with self._client.pipeline(transaction=True) as transaction:
                _ = transaction.ping()  # only queued here: ``execute`` waits for all the answers
                for channel, line in _messages(chunk):
                    _ = transaction.publish(channel, line)
                await transaction.execute()
        except (self._failure, OSError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"
        return ""


def _client(url: str) -> tuple["Redis", type[Exception]]:
    """A client that tries once, and what its errors have in common."""
    try:
        from redis.asyncio import Redis  # noqa: PLC0415 - an optional part
        from redis.asyncio.retry import Retry  # noqa: PLC0415 - an optional part
        from redis.backoff import NoBackoff  # noqa: PLC0415 - an optional part
        from redis.exceptions import RedisError  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingPart("redis_url", "redis") from error
    try:
        client = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise BadConfig(str(error), path="redis_url") from error
    return client, RedisError
