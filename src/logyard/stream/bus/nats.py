"""The bus on NATS: one subject, without JetStream."""

import logging
from typing import Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from logyard.errors import NotNow
from logyard.stream.bus.link import Receive

__all__ = ["NatsLink"]

_SECONDS: Final = 2
_log = logging.getLogger("logyard")


class NatsLink:
    """``link.Link``."""

    limit: int = 1 << 20

    def __init__(self, servers: list[str], subject: str) -> None:
        """``servers`` are URLs; any of them will do."""
        self._servers = servers
        self._subject = subject
        self._client: Client | None = None

    async def open(self, receive: Receive) -> None:
        """Connect and subscribe; the server does not send our own letters back."""

        async def hear(message: Msg) -> None:
            receive(message.data)

        try:
            self._client = await nats.connect(
                self._servers,
                name="logyard bus",
                connect_timeout=_SECONDS,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.1,
                no_echo=True,
                error_cb=_noted,
            )
            self.limit = self._client.max_payload
            await self._client.subscribe(self._subject, cb=hear)
            await self._client.flush(_SECONDS)
        except (NatsError, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def send(self, letter: bytes) -> None:
        """Publish it."""
        try:
            await self._connected().publish(self._subject, letter)
        except (NatsError, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def settle(self) -> None:
        """Ask the server for a sign of life, behind all that was published."""
        try:
            await self._connected().flush(_SECONDS)
        except (NatsError, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def close(self) -> None:
        """Let go."""
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            try:
                await client.close()
            except (NatsError, OSError, TimeoutError) as error:
                _log.debug("NATS: %r", error)

    def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected:
            raise NotNow("NATS: the connection is lost")
        return self._client


def _away(error: Exception) -> NotNow:
    reason = "nobody answers" if isinstance(error, TimeoutError) else str(error).removeprefix("nats: ")
    return NotNow(f"NATS: {reason or type(error).__name__}")


async def _noted(error: Exception) -> None:
    """Whoever sends hears of it; letters that were not heard are counted by their numbers."""
    _log.debug("NATS: %r", error)
