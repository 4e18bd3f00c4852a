"""To NATS JetStream: a message for each record, acknowledged by the stream.

    PUB logs.shop     Nats-Msg-Id: <batch>-<row>     {"timestamp":"...","message":"paid"}

JetStream drops a message whose id it has seen lately (the stream's ``duplicate_window``, two minutes by default): what
comes again within it is there once. The stream must be there; a record larger than a message may be is refused.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from logyard.errors import BadConfig, MissingPart, NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.rendering.canonical import canonical
from logyard.outputs.rendering.lines import keys, owners
from logyard.outputs.rendering.template import Template
from logyard.ports import Place, Refused
from logyard.registry import component

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = ["Nats", "NatsConfig"]

_MESSAGE_ID: Final = "Nats-Msg-Id"
_HEADER_ROOM: Final = 256
_AT_ONCE: Final = 1000
_CONNECT_SECONDS: Final = 5


class NatsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and under which subject."""

    servers: tuple[str, ...]
    """``nats://HOST:PORT``, ``tls://HOST:PORT``; of a cluster, several."""
    subject: str = "logs.{service}"
    """Of a stream that is there; may hold ``%Y %m %d %H`` and ``{service}``, ``{host}``, ``{source}``, ``{level}``."""
    credentials: str = ""
    """File with the user's credentials."""
    token: str = ""
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Seconds for an acknowledgement."""


@component("nats", config=NatsConfig, example='servers = ["nats://127.0.0.1:4222"]\nsubject = "logs.{service}"\n')
class Nats:
    """NATS JetStream, each record once within its window for duplicates."""

    def __init__(self, config: NatsConfig) -> None:
        """Raises ``BadConfig``, ``MissingPart``."""
        if not config.servers or " " in config.subject:
            raise BadConfig("servers, one at least, and a subject without blanks", path="servers")
        try:
            import nats  # noqa: PLC0415 - an optional part
            from nats.errors import Error  # noqa: PLC0415 - an optional part
        except ImportError as error:
            raise MissingPart("an output of type nats", "nats") from error
        self._connect = nats.connect
        self._failure: type[Exception] = Error
        self._config = config
        self._subject = Template(config.subject, path="subject")
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def open(self, place: Place) -> None:
        """Nothing to prepare: the connection is made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the stream has acknowledged all that fits into messages."""
        subjects, lines = await asyncio.to_thread(self._messages, batches)
        try:
            client = await self._connected()
            rows = [row for row, line in enumerate(lines) if len(line) + _HEADER_ROOM <= client.max_payload]
            ids = keys(batches)
            for at in range(0, len(rows), _AT_ONCE):
                part = rows[at : at + _AT_ONCE]
                await self._published(client, [(subjects[row], lines[row], ids[row]) for row in part])
        except (self._failure, OSError, TimeoutError) as error:
            raise NotNow(f"NATS: {type(error).__name__}: {error}", retry_after=0.0) from error
        beyond = set(range(len(lines))).difference(rows)
        reason = f"larger than the {client.max_payload} bytes of a message"
        return [Refused(*owner, reason) for row, owner in enumerate(owners(batches)) if row in beyond]

    async def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> "Client":
        async with self._lock:
            if self._client is None or self._client.is_closed:
                given = {"user_credentials": self._config.credentials, "token": self._config.token}
                self._client = await self._connect(
                    list(self._config.servers),
                    name="logyard output",
                    # Trying again is the forwarder's work.
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0.1,
                    connect_timeout=_CONNECT_SECONDS,
                    error_cb=_quiet,
                    **{name: text for name, text in given.items() if text},
                )
            return self._client

    async def _published(self, client: "Client", messages: Sequence[tuple[str, bytes, str]]) -> None:
        stream = client.jetstream(timeout=self._config.timeout)
        work = (stream.publish(subject, line, headers={_MESSAGE_ID: key}) for subject, line, key in messages)
        await asyncio.gather(*work)

    def _messages(self, batches: Sequence[Batch]) -> tuple[Sequence[str], Sequence[bytes]]:
        frame = joined(batches)
        return self._subject.of(frame).to_list(), [line.encode() for line in canonical(frame)]


async def _quiet(error: Exception) -> None:
    """What it says comes as the error of a call, too."""
