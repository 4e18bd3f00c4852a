"""What a query waits for when records go to several places at their own pace."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import Backpressure
from logyard.formats.json.lines import validate
from logyard.ingest.dead_letter import DeadLetters
from logyard.ingest.drain import Drain
from logyard.ingest.drains import Drains
from logyard.model.batch import Batch, Encoded
from logyard.ports import Parcel, SinkState
from logyard.telemetry import Telemetry
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings

_LONG = 60.0
_SHORT = 0.2


class Place:
    """A sink that takes parcels when it is open."""

    def __init__(self, name: str, *, wanted: bool = True) -> None:
        self.name = name
        self.state: SinkState = "ready"
        self.trouble = ""
        self.position = -1
        self.parcels: list[str] = []
        self._wanted = wanted
        self._open = threading.Event()
        self._open.set()

    def wants(self, token: str, received: Nanoseconds) -> bool:
        return self._wanted

    def insert(self, parcel: Parcel) -> None:
        if not self._open.is_set():
            raise Backpressure(f"{self.name} is shut")
        self.parcels.append(parcel.token)

    def passed(self, position: int) -> None:
        self.position = position

    def shut(self, state: SinkState = "ready") -> None:
        self.state = state
        self._open.clear()

    def open(self) -> None:
        self._open.set()


class Yard:
    """A log before two groups of sinks: two replicas, and one that stands alone."""

    def __init__(self, directory: Path) -> None:
        clock = SystemClock()
        self.wal = Wal.open(directory / "wal", settings=WalSettings(), disk=RealDisk(), clock=clock)
        self.one, self.two, self.other = Place("store.1"), Place("store.2"), Place("store.3", wanted=False)
        dead = DeadLetters(directory / "dead")
        self.drains = Drains(
            [
                [Drain(self.wal, sink, dead, clock=clock, telemetry=Telemetry()) for sink in group]
                for group in ((self.one, self.two), (self.other,))
            ],
            clock=clock,
        )
        self.drains.start()
        self._count = 0

    async def append(self) -> None:
        body = validate(b'{"message":"m"}').encoded
        assert isinstance(body, Encoded)
        self._count += 1
        batch = Batch(
            id=BatchId(self._count.to_bytes(16, "big")), first=LogId(self._count), received=Nanoseconds(1), body=body
        )
        await self.wal.append(batch)

    def close(self) -> None:
        self.one.open()
        self.two.open()
        self.wal.close()
        assert self.drains.stop(_LONG)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.close()


async def test_all_that_are_ready_are_waited_for(yard: Yard) -> None:
    await yard.append()
    assert await yard.drains.settle(_LONG)
    assert len(yard.one.parcels) == len(yard.two.parcels) == 1
    assert yard.one.position == yard.two.position == yard.other.position == yard.drains.passed() == 1


async def test_a_parcel_that_is_not_wanted_is_passed_over(yard: Yard) -> None:
    await yard.append()
    assert await yard.drains.settle(_LONG)
    assert not yard.other.parcels


async def test_one_that_is_ready_and_slow_is_waited_for(yard: Yard) -> None:
    yard.two.shut()
    await yard.append()
    assert not await yard.drains.settle(_SHORT)
    assert yard.drains.passed() == 0
    assert yard.drains.trouble.keys() == {"store.2"}


@pytest.mark.parametrize("state", ["behind", "away"])
async def test_one_that_is_not_ready_is_not_waited_for(yard: Yard, state: SinkState) -> None:
    yard.two.shut(state)
    await yard.append()
    assert await yard.drains.settle(_LONG)
    assert yard.drains.passed() == 1
    assert not yard.two.parcels


async def test_one_that_goes_away_lets_the_waiting_go(yard: Yard) -> None:
    yard.two.shut()
    await yard.append()
    waiting = asyncio.ensure_future(yard.drains.settle(_LONG))
    await asyncio.sleep(0)
    yard.two.state = "away"
    assert await waiting


async def test_where_none_is_ready_the_one_that_is_coming_is_waited_for(yard: Yard) -> None:
    yard.one.shut("away")
    yard.two.shut("behind")
    await yard.append()
    assert not await yard.drains.settle(_SHORT)
    yard.two.open()
    assert await yard.drains.settle(_LONG)
    assert yard.two.parcels


async def test_where_all_are_away_there_is_nothing_to_wait_for(yard: Yard) -> None:
    yard.one.shut("away")
    yard.two.shut("away")
    await yard.append()
    assert await yard.drains.settle(_LONG)
    assert yard.drains.passed() == 0


async def test_each_keeps_its_own_place_in_the_log(yard: Yard) -> None:
    yard.two.shut("away")
    for _ in range(3):
        await yard.append()
        assert await yard.drains.settle(_LONG)
    assert len(yard.wal.sealed("store.2")) == 3
    assert not yard.wal.sealed("store.1")
    yard.two.state = "ready"
    yard.two.open()
    assert await yard.drains.settle(_LONG)
    assert sorted(yard.two.parcels) == sorted(yard.one.parcels)
