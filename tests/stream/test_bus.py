"""Two nodes on a real bus: what one accepts, tails on both see; what is lost on the way is told."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import pytest

from logyard.clock import SystemClock
from logyard.errors import BadConfig
from logyard.model.batch import Batch, Encoded
from logyard.stream.bus.bus import Bus, Itself
from logyard.stream.bus.opening import link_of
from logyard.stream.chunk import Chunk, Missed
from logyard.stream.hub import Hub, Limits
from logyard.stream.subscription import Subscription
from logyard.telemetry import Telemetry
from logyard.testing.nats import NatsCluster
from logyard.testing.redis import RedisServer
from logyard.testing.waiting import until
from logyard.types import BatchId, LogId, Nanoseconds
from tests.stream.parts import START, WordWatch, framed, messages, running

# nats-py leaves the connection to a server that dies amid connecting to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*StreamWriter:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


class Carrier(Protocol):
    """The server in the middle."""

    @property
    def url(self) -> str: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...


class Nats:
    """A NATS server as a carrier."""

    def __init__(self, cluster: NatsCluster) -> None:
        self._cluster = cluster

    @property
    def url(self) -> str:
        return f"nats://{self._cluster.hosts[0]}"

    def start(self) -> None:
        self._cluster.start(0)

    def kill(self) -> None:
        self._cluster.kill(0)


@pytest.fixture(scope="module", params=["nats", "redis"])
def carrier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "redis":
        with RedisServer(directory) as server:
            yield server
        return
    with NatsCluster(directory, nodes=1) as cluster:
        yield Nats(cluster)


def lines(first: int, *texts: str) -> Batch:
    body = b"\n".join(json.dumps({"message": text}).encode() for text in texts)
    return Batch(
        id=BatchId(first.to_bytes(16, "big")),
        first=LogId(first),
        received=Nanoseconds(START),
        body=Encoded(lines=body, rows=len(texts)),
    )


class Node:
    """One node's live side."""

    def __init__(self, hub: Hub, bus: Bus, telemetry: Telemetry) -> None:
        self.hub, self.bus, self.telemetry = hub, bus, telemetry
        self.everything = hub.subscribe(WordWatch(""))

    async def read(self, rows: int, source: Subscription | None = None) -> tuple[list[int], list[str]]:
        """Ids and messages of so many rows."""
        ids: list[int] = []
        texts: list[str] = []
        async with asyncio.timeout(60):
            while len(ids) < rows:
                item = await (source or self.everything).take()
                assert isinstance(item, Chunk), item
                ids += item.ids
                texts += messages(item)
        return ids, texts

    async def ready(self, others: int = 1) -> None:
        await until(lambda: not self.bus._trouble and self.bus.lag().count("heard=") >= others)


@asynccontextmanager
async def node(url: str, name: str, *, machine: int = 1) -> AsyncIterator[Node]:
    telemetry = Telemetry()
    async with running(Limits(), telemetry) as hub:
        itself = Itself(node=name, machine=machine, acknowledged=lambda: 7, stored=lambda: 5, lag=lambda: 0.25)
        bus = Bus(link_of(url), hub, itself, telemetry=telemetry, clock=SystemClock())
        task = asyncio.create_task(bus.run())
        try:
            yield Node(hub, bus, telemetry)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_tail_sees_the_records_of_all_nodes_once(carrier: Carrier) -> None:
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2) as b:
        await asyncio.gather(a.ready(), b.ready())
        a.bus.publish(lines(100, "one", "two"))
        assert await a.read(2) == ([100, 101], ["one", "two"])
        assert await b.read(2) == ([100, 101], ["one", "two"])
        b.bus.publish(framed(200, ["three"]))
        assert await b.read(1) == ([200], ["three"])
        assert await a.read(1) == ([200], ["three"])
        await asyncio.gather(a.hub.settle(), b.hub.settle())
        assert (a.everything.waiting, b.everything.waiting) == (0, 0)
        assert (b.telemetry.total("logyard_bus_rows_received_total"), a.everything.missed, b.everything.missed) == (
            2,
            0,
            0,
        )


async def test_batches_beyond_a_message_come_in_parts_and_a_line_beyond_it_is_told(carrier: Carrier) -> None:
    texts = [f"{number} " + "x" * 1_000 for number in range(3_000)]
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2) as b:
        await asyncio.gather(a.ready(), b.ready())
        a.bus.publish(lines(1_000, *texts))
        assert await b.read(3_000) == (list(range(1_000, 4_000)), texts)
        a.bus.publish(framed(5_000, texts))
        assert await b.read(3_000) == (list(range(5_000, 8_000)), texts)
        a.bus.publish(lines(9_000, "before", "y" * 1_100_000, "after"))
        assert await b.read(1) == ([9_000], ["before"])
        assert await b.everything.take() == Missed(count=1, exact=False)
        assert await b.read(1) == ([9_002], ["after"])
        assert a.telemetry.total("logyard_bus_rows_dropped_total") == 1
        assert b.telemetry.total("logyard_bus_rows_missed_total") == 1


async def test_a_bus_that_is_away_costs_nothing_and_what_was_missed_is_told(carrier: Carrier) -> None:
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2) as b:
        await asyncio.gather(a.ready(), b.ready())
        a.bus.publish(lines(1, "first"))
        assert await b.read(1) == ([1], ["first"])
        carrier.kill()
        await until(lambda: bool(a.bus.trouble and b.bus.trouble))
        for number in range(10, 15):
            a.bus.publish(lines(number, "lost"))
        assert len((await a.read(6))[0]) == 6, "the own tails miss nothing"
        assert a.telemetry.total("logyard_bus_rows_dropped_total") == 5
        carrier.start()
        await until(lambda: not a.bus.trouble and not b.bus.trouble)
        assert await asyncio.wait_for(b.everything.take(), 60) == Missed(count=5, exact=False)
        a.bus.publish(lines(20, "again"))
        assert await b.read(1) == ([20], ["again"])
        assert a.telemetry.total("logyard_bus_lost_total") >= 1


async def test_hundreds_of_subscribers_cost_one_decoding(carrier: Carrier) -> None:
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2) as b:
        await asyncio.gather(a.ready(), b.ready())
        watch = WordWatch("t")
        many = [b.hub.subscribe(watch) for _ in range(300)]
        await b.hub.settle()
        a.bus.publish(lines(1, "one", "two", "three"))
        await b.read(3)
        for each in many:
            assert await b.read(2, each) == ([2, 3], ["two", "three"])
        assert watch.asked == 1
        assert b.telemetry.total("logyard_live_rows_decoded_total") == 3


async def test_who_wants_only_the_own_records_gets_only_those(carrier: Carrier) -> None:
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2) as b:
        await asyncio.gather(a.ready(), b.ready())
        own = b.hub.subscribe(WordWatch(""), foreign=False)
        a.bus.publish(lines(1, "theirs"))
        await b.read(1)
        b.bus.publish(lines(2, "ours"))
        assert await b.read(1, own) == ([2], ["ours"])


async def test_nobody_listens_and_nothing_is_decoded_but_the_place_is_known(carrier: Carrier) -> None:
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2) as b:
        await asyncio.gather(a.ready(), b.ready())
        b.everything.close()
        a.bus.publish(lines(5, "one"))
        await until(lambda: b.telemetry.total("logyard_bus_rows_received_total") == 1)
        assert LogId(6) in b.hub.behind(LogId(5))
        assert b.hub.behind(LogId(5)).had, "it is remembered"
        assert b.telemetry.total("logyard_live_rows_decoded_total") == 0


async def test_two_nodes_of_one_number_are_warned(carrier: Carrier) -> None:
    async with node(carrier.url, "a", machine=9) as a, node(carrier.url, "b", machine=9) as b:
        await asyncio.gather(a.ready(), b.ready())
        assert "ingest.machine" in a.bus.trouble
        assert b.bus.trouble.startswith("a has the same number")
        assert b.telemetry.total("logyard_machine_taken_total") == 1


async def test_the_lag_of_the_others_is_known(carrier: Carrier) -> None:
    async with node(carrier.url, "a") as a, node(carrier.url, "b", machine=2), node(carrier.url, "c", machine=3):
        await a.ready(2)
        found = dict(part.split(";", 1) for part in a.bus.lag().split(", "))
        assert found.keys() == {"b", "c"}
        assert "batches=2" in found["b"]
        assert float(found["b"].split(";")[0].removeprefix("seconds=")) >= 0.25


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        pytest.param("amqp://h:1", "no bus", id="other scheme"),
        pytest.param("nats://h:x/y", "not HOST:PORT", id="port"),
        pytest.param("nats://h:1/a.b", "no name", id="name"),
        pytest.param("redis://h:1/x?socket_timeout=a", "socket_timeout", id="option"),
    ],
)
def test_a_bad_address_is_refused(url: str, wanted: str) -> None:
    with pytest.raises(BadConfig, match=wanted):
        link_of(url)
