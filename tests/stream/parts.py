"""Parts that the tests of the live side share."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import polars as pl

from logyard.clock import SystemClock
from logyard.model.batch import Batch
from logyard.model.schema import FRAME
from logyard.stream.chunk import Chunk, Load
from logyard.stream.history import TailRequest
from logyard.stream.hub import Hub, Limits
from logyard.stream.recent import Behind
from logyard.telemetry import Telemetry
from logyard.types import BatchId, LogId, Nanoseconds, Tenant

START = 1_767_225_600_000_000_000


def nth(first: LogId, index: int) -> LogId:
    """Sequential ids."""
    return LogId(first + index)


def frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """A canonical frame; what a row leaves out is empty."""
    empty = {"severity": 0, "tags": [], "attributes": "{}", "service": "unknown", "stream": "{}"}
    full = [dict.fromkeys(FRAME.names(), "") | empty | {"timestamp": START} | row for row in rows]
    return pl.DataFrame(full, schema_overrides=FRAME, orient="row").select(FRAME.names())


def framed(first: int, messages: Sequence[str], *, tenant: str = "") -> Batch:
    """A batch of plain messages with ids from ``first`` on."""
    return Batch(
        id=BatchId(first.to_bytes(16, "big")),
        first=LogId(first),
        received=Nanoseconds(START),
        body=frame([{"message": message} for message in messages]),
        tenant=Tenant(tenant),
    )


def messages(chunk: Chunk) -> list[str]:
    """The messages of rows."""
    return [msgspec.json.decode(line)["message"] for line in chunk.lines]


class WordWatch:
    """Wants the messages that begin with a word; everything for ""."""

    def __init__(self, word: str, *, tenant: str = "") -> None:
        self.key = (word, tenant)
        self.tenant = Tenant(tenant)
        self.asked = 0

    def answer(self, load: Load) -> Chunk:
        self.asked += 1
        found = load.matching(load.frame["message"].str.starts_with(self.key[0]))
        ids = found.ids()
        rows = zip(ids, found.frame["message"], strict=True)
        lines = [msgspec.json.encode({"id": str(key), "message": text}) for key, text in rows]
        return Chunk(ids=ids, lines=lines, services=found.frame["service"].to_list())


@asynccontextmanager
async def running(limits: Limits | None = None, telemetry: Telemetry | None = None) -> AsyncIterator[Hub]:
    """A hub whose matcher runs; everything published is matched before the block ends."""
    hub = Hub(limits=limits or Limits(), nth=nth, telemetry=telemetry or Telemetry(), clock=SystemClock())
    matcher = asyncio.create_task(hub.run())
    try:
        yield hub
    finally:
        matcher.cancel()
        await asyncio.gather(matcher, return_exceptions=True)


class Shelf:
    """A store in memory: what was committed can be found, before it is published or after."""

    def __init__(self) -> None:
        self.records: list[tuple[int, str]] = []
        self.requests: list[TailRequest] = []

    def commit(self, batch: Batch, messages: Sequence[str]) -> None:
        self.records += [(batch.first + index, message) for index, message in enumerate(messages)]

    async def newest(self, request: TailRequest, behind: Behind | None) -> Chunk:
        """All that is committed by now; the newest ``request.limit``."""
        self.requests.append(request)
        found = sorted(record for record in self.records if behind is None or LogId(record[0]) in behind)
        return stored(found[-request.limit :])

    async def late(self, delay: int) -> Chunk:
        """All that is committed by then, given back a little later."""
        for _ in range(delay):
            await asyncio.sleep(0)
        found = sorted(self.records)
        for _ in range(delay):
            await asyncio.sleep(0)
        return stored(found)


def stored(records: Sequence[tuple[int, str]]) -> Chunk:
    """Rows as a store gives them."""
    lines = [msgspec.json.encode({"id": str(key), "message": text}) for key, text in records]
    return Chunk(ids=[LogId(key) for key, _ in records], lines=lines)
