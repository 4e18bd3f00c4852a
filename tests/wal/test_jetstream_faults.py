"""Faults of a real three-node JetStream cluster: the leader killed amid publishing, all killed, no quorum, a twin.

``BUFFER_KILLS`` says how often a leader is killed (1).
"""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from logyard.clock import SystemClock
from logyard.errors import Backpressure, NotNow
from logyard.model.batch import Batch
from logyard.ports import Buffer
from logyard.testing.buffer_suite import CALM, all_sealed, made
from logyard.testing.nats import NatsCluster
from logyard.testing.waiting import until
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings
from logyard.wal.remote.jetstream import JetStream
from logyard.wal.remote.opening import open_remote

pytestmark = [
    pytest.mark.slow,
    # nats-py leaves the connection to a server that accepts it and then says nothing to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*StreamWriter:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
]

SETTINGS = WalSettings(min_free_bytes=0, segment_seconds=0.2, segment_rows=200)
KILLS = int(os.environ.get("BUFFER_KILLS", "1"))
"""How often a leader is killed."""

IMPATIENT = "&timeout=2"

Opening = Callable[..., Wal]


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path_factory.mktemp("nats"), nodes=3) as cluster:
        yield cluster


@pytest.fixture
def opening(tmp_path: Path, nats: NatsCluster) -> Iterator[Opening]:
    """Open the buffer with a fresh spool, as a process on another machine would."""
    opened: list[Wal] = []

    def start(stream: str = "LOGS", *, settings: WalSettings = SETTINGS, more: str = "&timeout=30") -> Wal:
        journal = JetStream(nats.url(stream, more=f"{more}&start=60"), "node")
        spool = tmp_path / f"spool-{len(opened)}"
        opened.append(open_remote(journal, spool, settings=settings, disk=RealDisk(), clock=SystemClock()))
        return opened[-1]

    yield start
    for buffer in opened:
        buffer.release()
    gc.collect()  # so that what nats-py left behind is collected here, where it is expected


class Load:
    """Appends without a pause, until told to stop; what was acknowledged and what was refused."""

    def __init__(self, buffer: Buffer, first: int) -> None:
        self.acknowledged: dict[int, int] = {}
        """Position by number."""
        self.refused: list[int] = []
        self._buffer = buffer
        self._next = first
        self._stopping = False
        self._clients = [asyncio.create_task(self._client()) for _ in range(8)]

    async def reach(self, count: int) -> None:
        """Return when so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        await until(lambda: len(self.acknowledged) >= wanted, seconds=240)

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(*self._clients)

    async def _client(self) -> None:
        refused = False
        while refused or not self._stopping:  # the last one is acknowledged, so that nothing is left in doubt
            number, self._next = self._next, self._next + 1
            try:
                # Some are cut over two messages.
                batch = made(number, size=1_200_000 if number % 97 == 0 else 300, framed=number % 11 == 0)
                self.acknowledged[number] = await self._buffer.append(batch)
                refused = False
            except NotNow:
                refused = True
                self.refused.append(number)
                await asyncio.sleep(0.05)  # a client's pace


def read(buffer: Buffer) -> list[Batch]:
    return [batch for segment in all_sealed(buffer) for batch in segment.batches()]


def check(load: Load, found: list[Batch], *, may_show: frozenset[int] = frozenset()) -> None:
    numbers = [int(batch.first) for batch in found]
    assert len(set(numbers)) == len(numbers), "nothing twice"
    assert set(load.acknowledged) - set(numbers) == set(), "nothing acknowledged is lost"
    assert set(numbers) - set(load.acknowledged) <= may_show, "nothing refused shows"


def in_order(load: Load, found: list[Batch]) -> bool:
    """Of one form, batches stand in the order of their positions."""
    places = [load.acknowledged[int(batch.first)] for batch in found if batch.first % 11]
    return places == sorted(places)


def contents(buffer: Buffer) -> list[tuple[str, bytes]]:
    return [(segment.token, segment.path.read_bytes()) for segment in all_sealed(buffer)]


async def test_the_leader_killed_amid_publishing_loses_nothing(nats: NatsCluster, opening: Opening) -> None:
    buffer = opening("LEADER", more=IMPATIENT)
    load = Load(buffer, 1)
    await load.reach(150)
    for _ in range(KILLS):
        leader = await asyncio.to_thread(nats.leader, "LEADER-node")
        await asyncio.to_thread(nats.kill, leader)
        await load.reach(150)
        await asyncio.to_thread(nats.start, leader)
        await load.reach(50)
    await load.stop()
    mine = await asyncio.to_thread(read, buffer)
    check(load, mine)
    assert in_order(load, mine)
    before = contents(buffer)
    after = await asyncio.to_thread(contents, opening("LEADER"))
    assert after == before, "a successor reads the same segments, under the same tokens"
    await until(lambda: buffer.trouble == "")


async def test_a_leader_that_hangs_is_left_and_comes_back_without_harm(nats: NatsCluster, opening: Opening) -> None:
    buffer = opening("HANGS", more=IMPATIENT)
    load = Load(buffer, 1)
    await load.reach(50)
    leader = await asyncio.to_thread(nats.leader, "HANGS-node")
    nats.pause(leader)
    try:
        await load.reach(150)
    finally:
        nats.resume(leader)
    await load.reach(50)
    await load.stop()
    mine = await asyncio.to_thread(read, buffer)
    check(load, mine)
    assert in_order(load, mine)
    before = contents(buffer)
    assert await asyncio.to_thread(contents, opening("HANGS")) == before


async def test_all_killed_and_started_again_loses_nothing(nats: NatsCluster, opening: Opening) -> None:
    buffer = opening("ALL", more=IMPATIENT)
    load = Load(buffer, 1)
    await load.reach(150)
    for node in range(3):
        nats.kill(node)
    for node in range(3):
        nats.start(node)
    await load.reach(150)
    await load.stop()
    check(load, await asyncio.to_thread(read, buffer))
    assert contents(opening("ALL")) == contents(buffer)


async def test_without_a_quorum_appends_are_refused_and_then_taken_again(nats: NatsCluster, opening: Opening) -> None:
    buffer = opening("QUORUM", more="&timeout=1")
    load = Load(buffer, 1)
    await load.reach(20)
    for node in (0, 1):
        nats.kill(node)
    await until(lambda: len(load.refused) >= 16)
    assert buffer.trouble
    for node in (0, 1):
        nats.start(node)
    await load.reach(50)
    await load.stop()
    await until(lambda: buffer.trouble == "")
    mine = await asyncio.to_thread(read, buffer)
    check(load, mine)
    assert in_order(load, mine)
    before = contents(buffer)
    after = await asyncio.to_thread(contents, opening("QUORUM"))
    assert after == before, "what was refused is void for a successor, too"


async def test_a_successor_shuts_the_predecessor_out(opening: Opening) -> None:
    old = opening("TWIN")
    await old.append(made(1))
    sealed = all_sealed(old)
    new = opening("TWIN")
    assert await _refusal(old, made(2))
    for _ in range(2):
        assert "same node name" in str(await _refusal(old, made(3)))
    assert (old.alive, new.alive) == (False, True)
    assert "same node name" in old.trouble
    assert list(old.wait("store", 60)) == list(sealed), "can still be drained"
    assert list(old.wait("store", 0.05, after=sealed[-1].number)) == []
    assert await new.append(made(4)) == 2
    assert [one.first for one in read(new)] == [1, 4]


async def test_a_successor_that_reads_while_the_predecessor_advances_loses_nothing(opening: Opening) -> None:
    old = opening("CURSORS", settings=CALM)
    await old.append(made(1))
    (segment,) = all_sealed(old)
    await old.append(made(2))
    new = opening("CURSORS", settings=CALM)
    old.advance("store", segment)
    old.release()
    assert [one.first for one in read(new)] == [1, 2], "its cursor does not count any more"
    assert [one.first for one in read(opening("CURSORS", settings=CALM))] == [1, 2]


async def test_a_stream_deleted_and_begun_anew_is_read_from_its_beginning(nats: NatsCluster, opening: Opening) -> None:
    buffer = opening("ANEW")
    for number in range(20):
        await buffer.append(made(number))
    segments = all_sealed(buffer)
    for segment in segments:
        buffer.advance("store", segment)
    buffer.release()
    await asyncio.to_thread(nats.ask, lambda client: client.jetstream().delete_stream("ANEW-node"))
    again = opening("ANEW")
    await again.append(made(1))
    found = all_sealed(again)
    assert [one.first for segment in found for one in segment.batches()] == [1]
    assert not {segment.token for segment in found} & {segment.token for segment in segments}


async def test_what_was_passed_is_purged(nats: NatsCluster, opening: Opening) -> None:
    buffer = opening("PURGED")
    for number in range(20):
        await buffer.append(made(number, size=10_000))
    for segment in all_sealed(buffer):
        buffer.advance("store", segment)
    buffer.release()

    async def is_small() -> bool:
        return await asyncio.to_thread(nats.ask, lambda client: _bytes(client, "PURGED-node")) < 1_000

    await until(is_small)


async def _bytes(client: Client, stream: str) -> int:
    return int((await client.jetstream().stream_info(stream)).state.bytes)


async def test_a_full_stream_refuses_and_takes_again_when_segments_are_passed(opening: Opening) -> None:
    settings = WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_bytes=50_000)
    buffer = opening("FULL", settings=settings, more="&timeout=30&max_bytes=400000")
    buffer.register("store")
    answers = [await _refusal(buffer, made(number, size=20_000)) for number in range(30)]
    assert answers[5] is None
    assert isinstance(answers[25], Backpressure)
    assert "maximum bytes" in buffer.trouble
    for segment in buffer.sealed("store"):
        buffer.advance("store", segment)

    async def is_taken() -> bool:
        return await _refusal(buffer, made(1000)) is None

    await until(is_taken)
    assert [int(one.first) for one in read(buffer)][-1] == 1000


async def _refusal(buffer: Buffer, batch: Batch) -> NotNow | None:
    try:
        await buffer.append(batch)
    except NotNow as error:
        return error
    return None
