"""To Redis: streams, lists or channels, each batch once.

    XADD logs * record {...}         RPUSH logs {...}         PUBLISH logs {...}

A batch and the mark that it was taken are one script, which nothing comes between; a batch that comes again within
``remember_seconds`` finds its mark. How durable it is then is Redis's own setting (``appendfsync``).
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

import msgspec

from logyard.errors import BadConfig, MissingPart, NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.rendering.lines import Form, json_lines
from logyard.outputs.rendering.template import Template
from logyard.ports import Place, Refused
from logyard.registry import component

if TYPE_CHECKING:
    from redis.asyncio import Redis as Client

__all__ = ["Redis", "RedisConfig"]

_TIMEOUT_SECONDS: Final = 10.0
_SCRIPT: Final = """
local mode, most = ARGV[1], ARGV[2]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for at = 4, #ARGV, 2 do
    local key, record = ARGV[at], ARGV[at + 1]
    if mode == 'stream' and most ~= '0' then redis.call('XADD', key, 'MAXLEN', '~', most, '*', 'record', record)
    elseif mode == 'stream' then redis.call('XADD', key, '*', 'record', record)
    elseif mode == 'list' then redis.call('RPUSH', key, record)
    else redis.call('PUBLISH', key, record) end
end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[3])
return 1
"""
"""The mark comes last: a script that fails amid its work is not undone."""


class RedisConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and as what."""

    url: str
    """``redis://[[user]:password@]HOST:PORT/DB``, ``rediss://`` with TLS."""
    mode: Literal["stream", "list", "channel"] = "stream"
    """stream: entries with one field, ``record``; list: pushed on the right; channel: published, kept nowhere."""
    key: str = "logs"
    """Of the stream, list or channel; may hold ``%Y %m %d %H`` and ``{service}``, ``{host}``, ``{source}``,
    ``{level}``."""
    max_length: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Entries that a stream keeps, about; 0: all."""
    records: Form = "canonical"
    """canonical: under our names of the fields; sent: as their sender wrote them, under one single key."""
    remember_seconds: Annotated[int, msgspec.Meta(gt=0)] = 86_400
    """How long Redis remembers a batch."""


@component("redis", config=RedisConfig, example='url = "redis://127.0.0.1:6379/0"\nkey = "logs:{service}"\n')
class Redis:
    """Redis streams, lists or channels."""

    def __init__(self, config: RedisConfig) -> None:
        """Raises ``BadConfig``, ``MissingPart``."""
        self._key = Template(config.key, path="key", dots=True)
        if config.records == "sent" and any(place in config.key for place in "{%"):
            raise BadConfig("records as sent go to one single key", path="records")
        self._config = config
        self._client, self._failure = _client(config.url)

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when Redis has taken them, one after another."""
        for batch in batches:
            pairs = await asyncio.to_thread(self._pairs, batch)
            try:
                await self._run(batch, pairs)
            except (self._failure, OSError, TimeoutError) as error:
                raise NotNow(f"Redis: {type(error).__name__}: {error}", retry_after=0.0) from error
        return ()

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def _run(self, batch: Batch, pairs: Sequence[str | bytes]) -> None:
        config = self._config
        mark = f"logyard:batch:{batch.id.hex()}"
        arguments = (config.mode, str(config.max_length), str(config.remember_seconds), *pairs)
        # The client types an answer as if it came at once, too.
        await cast("Awaitable[object]", self._client.eval(_SCRIPT, 1, mark, *arguments))

    def _pairs(self, batch: Batch) -> Sequence[str | bytes]:
        """Key and record, in turn."""
        lines = json_lines([batch], self._config.records).split(b"\n")
        names = (
            self._key.of(joined([batch])) if self._config.records == "canonical" else [self._config.key] * len(lines)
        )
        return [part for pair in zip(names, lines, strict=True) for part in pair]


def _client(url: str) -> tuple["Client", type[Exception]]:
    """A client that tries once, and what its errors have in common."""
    try:
        from redis.asyncio import Redis as Client  # noqa: PLC0415 - an optional part
        from redis.asyncio.retry import Retry  # noqa: PLC0415 - an optional part
        from redis.backoff import NoBackoff  # noqa: PLC0415 - an optional part
        from redis.exceptions import RedisError  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingPart("an output of type redis", "redis") from error
    try:
        client = Client.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise BadConfig(str(error), path="url") from error
    return client, RedisError
