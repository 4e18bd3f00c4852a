"""The bus on Redis: one channel of its publish/subscribe."""

import asyncio
import contextlib
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from logyard.errors import BadConfig, NotNow
from logyard.stream.bus.link import Receive

__all__ = ["RedisLink"]

_SECONDS: Final = 2.0


class RedisLink:
    """``link.Link``. Redis sends the own letters back, too."""

    limit: int = 1 << 20

    def __init__(self, url: str, channel: str) -> None:
        """Connects later. Raises ``BadConfig``."""
        self._channel = channel
        try:
            self._client = Redis.from_url(
                url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=Retry(NoBackoff(), 0)
            )
        except ValueError as error:
            raise BadConfig(str(error), path="bus") from error
        self._heard: PubSub | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def open(self, receive: Receive) -> None:
        """Subscribe, and read in a task of its own."""
        self._heard = self._client.pubsub(ignore_subscribe_messages=True)
        try:
            await self._heard.subscribe(self._channel)
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error
        self._hearing = asyncio.create_task(_hear(self._heard, receive), name="bus")

    async def send(self, letter: bytes) -> None:
        """Publish it."""
        try:
            await self._client.publish(self._channel, letter)
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def settle(self) -> None:
        """``send`` has waited already; what may have ended is the hearing."""
        if self._hearing is None or self._hearing.done():
            raise NotNow("Redis: nothing is heard any more")

    async def close(self) -> None:
        """Let go."""
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)
            self._hearing = None
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            if self._heard is not None:
                await self._heard.aclose()  # type: ignore[no-untyped-call]  # redis leaves it untyped
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._client.aclose()


async def _hear(source: PubSub, receive: Receive) -> None:
    """Until the connection breaks, which ``settle`` notices."""
    while True:
        message = await source.get_message(timeout=_SECONDS)
        if message is not None and isinstance(message.get("data"), bytes):
            receive(message["data"])


def _away(error: Exception) -> NotNow:
    return NotNow(f"Redis: {str(error) or type(error).__name__}")
