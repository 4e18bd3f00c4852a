"""What tests of outputs have in common: batches, a place, an output driven as the forwarder drives it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import cast

import msgspec
import polars as pl
import pytest

from logyard import registry
from logyard.clock import SystemClock
from logyard.formats.json.frame import frame
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING, Kind
from logyard.ports import Output, Place
from logyard.telemetry import Telemetry
from logyard.testing.http_sink import HttpSink
from logyard.types import BatchId, LogId, Nanoseconds

RECEIVED = Nanoseconds(1_700_000_000_000_000_000)
RECEIVED_TEXT = "2023-11-14T22:13:20Z"

Opened = Callable[..., AbstractAsyncContextManager[Output]]


def batch(number: int, *lines: str | Mapping[str, object], kind: Kind = "mixed", **known: str) -> Batch:
    """Lines, or objects, of one source."""
    texts = [line if isinstance(line, str) else msgspec.json.encode(line).decode() for line in lines]
    reading = msgspec.structs.replace(DEFAULT_READING.given(known or {"source": "a.log"}), kind=kind)
    body = Encoded(lines="\n".join(texts).encode(), rows=len(texts), reading=reading)
    return Batch(id=BatchId(number.to_bytes(16)), first=LogId(1), received=RECEIVED, body=body)


def framed(each: Batch) -> Batch:
    """The same when a step has looked into it."""
    assert isinstance(each.body, Encoded)
    return msgspec.structs.replace(each, body=frame(each.body, each.received))


def lines_of(body: bytes) -> list[dict[str, object]]:
    """JSON lines, decoded; each must end in LF."""
    assert body.endswith(b"\n")
    return [msgspec.json.decode(line) for line in body[:-1].split(b"\n")]


def tagged(each: Batch, *tags: str) -> Batch:
    """The same with tags."""
    body = framed(each).body
    assert isinstance(body, pl.DataFrame)
    return msgspec.structs.replace(each, body=body.with_columns(tags=pl.lit(list(tags), dtype=pl.List(pl.String))))


@asynccontextmanager
async def opened(directory: Path, kind: str, **settings: object) -> AsyncIterator[Output]:
    """An output of a type, made from its settings, as a process would have it."""
    output = cast("Output", registry.build("outputs", {"type": kind, **settings}))
    await output.open(Place(directory=directory / "place", clock=SystemClock(), telemetry=Telemetry()))
    try:
        yield output
    finally:
        await output.close()


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as running:
        yield running


def bodies(sink: HttpSink) -> Sequence[bytes]:
    return [request.body for request in sink.requests]
