"""To Splunk, by the HTTP Event Collector.

    POST /services/collector/event     {"time":1700000000.5,"host":"h","source":"/a.log","event":{...}}{"time": ...}
    POST /services/collector/ack       {"acks":[7]}   ->   {"acks":{"7":true}}

With ``acks`` a batch counts only once Splunk says that it is indexed; without, once it was taken. An event that it
calls invalid goes to the dead letters, the others come again. At least once: Splunk knows no ids.
"""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
import polars as pl

from logyard.clock import Clock, SystemClock
from logyard.errors import BadInput, NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.http_client import Compression, HttpClient, Reply, packed, refuse
from logyard.outputs.rendering.canonical import canonical
from logyard.outputs.rendering.lines import owners
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["Splunk", "SplunkConfig"]

_POLL_SECONDS: Final = 1.0
_OPERATORS: Final = frozenset({1, 2, 3, 4, 7, 10, 11, 14})
"""Codes that say something about token, index or channel: nothing is wrong with the events."""
_FIRST_ERROR: Final = 400


class SplunkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and how events are labelled."""

    url: str
    """``https://HOST:8088``."""
    token: str
    """Sent as ``Authorization: Splunk``."""
    index: str = ""
    """"": the token's."""
    sourcetype: str = "logyard"
    acks: bool = False
    """Wait until events are indexed; the token must have it, too."""
    ack_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    """How long, until they are sent again."""
    compression: Literal["none", "gzip"] = "gzip"
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds for an answer."""
    verify: bool = True
    """Whether the certificate is checked."""
    authorities: str = ""
    """File of certificates to check it by; "": those of the machine."""


class _Answer(msgspec.Struct, frozen=True, rename={"ack": "ackId", "invalid": "invalid-event-number"}):
    text: str = ""
    code: int = -1
    ack: int | None = None
    invalid: int | None = None


class _Acks(msgspec.Struct, frozen=True):
    acks: dict[str, bool]


@component("splunk", config=SplunkConfig, example='url = "https://127.0.0.1:8088"\ntoken = "aaaa-bbbb"\nacks = true\n')
class Splunk:
    """Splunk's HTTP Event Collector, with or without acknowledgement by the indexer."""

    def __init__(self, config: SplunkConfig) -> None:
        """Raises ``BadConfig``."""
        self._config = config
        self._clock: Clock = SystemClock()
        channel = {"X-Splunk-Request-Channel": str(uuid.uuid4())} if config.acks else {}
        headers = {"Authorization": f"Splunk {config.token}", "Content-Type": "application/json", **channel}
        verify = config.authorities or config.verify
        self._client = HttpClient(config.url, timeout=config.timeout, headers=headers, verify=verify)

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""
        self._clock = place.clock

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when they are taken, and with ``acks`` indexed."""
        events = await asyncio.to_thread(self._events, batches)
        owned, refused = owners(batches), dict[int, str]()
        while len(refused) < len(owned):
            rows = [row for row in range(len(owned)) if row not in refused]
            reply = await self._send([events[row] for row in rows])
            answer = _decoded(reply)
            if reply.status >= _FIRST_ERROR and answer.invalid is not None and 0 <= answer.invalid < len(rows):
                refused[rows[answer.invalid]] = f"{self._client.url} says {answer.code}: {answer.text}"
                continue
            await self._accepted(reply, answer)
            break
        return [Refused(*owned[row], reason) for row, reason in refused.items()]

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()

    async def _send(self, events: Sequence[str]) -> Reply:
        compression: Compression = self._config.compression
        body, headers = await asyncio.to_thread(packed, "".join(events).encode(), compression)
        return await self._client.send("/services/collector/event", body, headers)

    async def _accepted(self, reply: Reply, answer: _Answer) -> None:
        if reply.status == _FIRST_ERROR and answer.code in _OPERATORS:
            raise NotNow(f"{self._client.url} says {answer.code}: {answer.text}", retry_after=5.0)
        refuse(self._client.url, reply)
        if answer.code != 0:
            raise NotNow(f"{self._client.url} is no event collector: it answers {reply.body[:100]!r}")
        if self._config.acks:
            await self._indexed(answer)

    async def _indexed(self, answer: _Answer) -> None:
        if answer.ack is None:
            raise NotNow(f"{self._client.url} gives no ackId: the token is without acknowledgement", retry_after=5.0)
        deadline = self._clock.monotonic() + self._config.ack_seconds
        asked = msgspec.json.encode({"acks": [answer.ack]})
        while self._clock.monotonic() < deadline:
            try:
                found = msgspec.json.decode(await self._client.post("/services/collector/ack", asked, {}), type=_Acks)
            except (msgspec.DecodeError, BadInput) as error:
                raise NotNow(f"{self._client.url} does not answer for ackId {answer.ack}: {error}") from error
            if found.acks.get(str(answer.ack)):
                return
            await asyncio.sleep(_POLL_SECONDS)
        seconds = self._config.ack_seconds
        raise NotNow(f"{self._client.url} has not indexed ackId {answer.ack} within {seconds:g} s")

    def _events(self, batches: Sequence[Batch]) -> pl.Series:
        frame = joined(batches)
        time = pl.col("timestamp").cast(pl.Int64)
        nanoseconds = (time % 1_000_000_000).cast(pl.String).str.zfill(9)
        given = {"sourcetype": self._config.sourcetype, "index": self._config.index}
        known = {name: text for name, text in given.items() if text}
        parts = [
            pl.concat_str(pl.lit('{"time":'), time // 1_000_000_000, pl.lit("."), nanoseconds),
            pl.lit("".join(f',"{name}":{msgspec.json.encode(text).decode()}' for name, text in known.items())),
            *(_member(name) for name in ("host", "source")),
            pl.concat_str(pl.lit(',"event":'), pl.lit(canonical(frame)), pl.lit("}")),
        ]
        return frame.select(pl.concat_str(parts).alias("event")).to_series()


def _member(name: str) -> pl.Expr:
    encoded = pl.struct(name).struct.json_encode().str.slice(1).str.strip_suffix("}")
    return pl.when(pl.col(name) != "").then(pl.concat_str(pl.lit(","), encoded)).otherwise(pl.lit(""))


def _decoded(reply: Reply) -> _Answer:
    try:
        return msgspec.json.decode(reply.body, type=_Answer)
    except msgspec.DecodeError:
        return _Answer()
