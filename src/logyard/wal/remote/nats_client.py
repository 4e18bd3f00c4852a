"""NATS as the buffer needs it: a connection, its errors as ours, and which streams can be buffers."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError

from logyard.errors import Backpressure, BadConfig, DiskFull, NotNow, StoreFailed
from logyard.wal.remote.address import Address

__all__ = ["NotAsExpectedError", "check_buffer", "connected", "message_limit", "numbered", "told"]

_HEADER_ROOM: Final = 1024
"""Of a message's limit: headers count."""
_LEAST_LIMIT: Final = 4096
_PING_SECONDS: Final = 1
_PENDING_BYTES: Final = 32 << 20
_WRONG_SEQUENCE: Final = 10071
_FULL: Final[Mapping[int, type[NotNow]]] = {10077: Backpressure, 10122: Backpressure, 10047: DiskFull, 10023: DiskFull}
"""The stream's own limit (store failed, maximum bytes); the storage of the server or of the account."""
_log = logging.getLogger("logyard")


class NotAsExpectedError(NotNow):
    """The stream's end is not where this process left it."""


async def connected(address: Address, patience: float) -> Client:
    """A connection that comes back by itself. Raises ``StoreFailed`` after ``patience`` seconds."""
    user = f"{address.user}@" if address.user else ""
    try:
        return await asyncio.wait_for(
            nats.connect(
                [f"nats://{user}{host}" for host in address.hosts],
                name="logyard buffer",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                connect_timeout=2,
                # A server that hangs is left for another after some seconds.
                ping_interval=_PING_SECONDS,
                max_outstanding_pings=2,
                # What waits for a connection may come too late: then the chain refuses it.
                pending_size=_PENDING_BYTES,
                error_cb=_noted,
            ),
            patience,
        )
    except (NatsError, OSError, TimeoutError) as error:
        hosts = ", ".join(address.hosts)
        raise StoreFailed(f"cannot connect to NATS at {hosts}: {_reason(error)}") from error


def numbered(messages: Sequence[Msg], first: int) -> list[tuple[int, bytes]]:
    """With their sequences, which begin with ``first`` and have no gap: nothing is ever taken out of the middle."""
    found = [(message.metadata.sequence.stream, message.data) for message in messages]
    for expected, (sequence, _) in enumerate(found, first):
        if sequence != expected:
            raise NotNow(f"message {expected} of the stream did not come, but {sequence}")
    return found


def message_limit(max_payload: int) -> int:
    """What a message of ours may hold. Raises ``BadConfig`` when that is next to nothing."""
    limit = max_payload - _HEADER_ROOM
    if limit < _LEAST_LIMIT:
        raise BadConfig(f"the server's max_payload of {max_payload} bytes is too small", path="buffer")
    return limit


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "nobody answers"
    return str(error).removeprefix("nats: ") or type(error).__name__


async def _noted(error: Exception) -> None:
    """Whoever waits for an answer hears of it; here it is only for the curious."""
    _log.debug("NATS: %r", error)


def check_buffer(config: StreamConfig, replicas: int) -> None:
    """Raises ``BadConfig`` for a stream that somebody made otherwise and that keeps less than was asked for."""
    if (config.num_replicas or 1) < replicas:
        raise BadConfig(
            f"the stream {config.name} has {config.num_replicas or 1} replicas, not {replicas}: change the one or the "
            "other (replicas= in the URL)",
            path="buffer",
        )
    keeps = config.discard == DiscardPolicy.NEW and config.retention in {None, RetentionPolicy.LIMITS}
    if not keeps or config.max_age or config.storage == StorageType.MEMORY:
        raise BadConfig(
            f"the stream {config.name} is no buffer: it must discard new messages, keep them in files, and have "
            "neither max_age nor another retention than limits",
            path="buffer",
        )


@contextmanager
def told(name: str) -> Iterator[None]:
    """What the client raises, as ours."""
    try:
        yield
    except APIError as error:
        if error.err_code == _WRONG_SEQUENCE:
            raise NotAsExpectedError(
                f"the stream {name} was written to by somebody else: {error.description}"
            ) from error
        kind = _FULL.get(error.err_code or 0, NotNow)
        raise kind(f"NATS refuses {name}: {error.description}", retry_after=2) from error
    except (NatsError, OSError, TimeoutError) as error:
        raise NotNow(f"NATS does not keep {name} at the moment: {_reason(error)}", retry_after=2) from error
