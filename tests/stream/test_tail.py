"""History and live, joined: no gap, no duplicate, whatever the timing."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.stream.chunk import Chunk, Missed
from logyard.stream.hub import Hub, Limits
from logyard.stream.tail import Heartbeat, Tail, TailEvent
from tests.stream.parts import Shelf, WordWatch, framed, messages, running


async def write(hub: Hub, shelf: Shelf, *, seed: int, batches: int) -> None:
    """Commit and publish batches; ids are reserved in one order and acknowledged in another."""
    chance = random.Random(seed)
    order = [index + chance.choice([0, 0, 0, 3]) for index in range(batches)]
    for _, index in sorted(zip(order, range(batches), strict=True)):
        texts = [f"{index * 10 + row}" for row in range(chance.randint(1, 5))]
        batch = framed(index * 10, texts)
        shelf.commit(batch, texts)
        for _ in range(chance.choice([0, 0, 0, 1, 4])):
            await asyncio.sleep(0)
        hub.publish(batch)
        if chance.random() < 0.2:
            await hub.settle()


async def read(tail: Tail, found: list[str]) -> None:
    with tail:
        async for event in tail.events():
            assert isinstance(event, Chunk)
            found += messages(event)


@given(
    seed=st.integers(0, 1 << 30),
    batches=st.integers(0, 40),
    late=st.integers(0, 60),
    delay=st.integers(0, 12),
)
def test_every_record_comes_once(*, seed: int, batches: int, late: int, delay: int) -> None:
    async def play() -> None:
        async with running(Limits(load_rows=7)) as hub:
            shelf = Shelf()
            found: list[str] = []
            writer = asyncio.create_task(write(hub, shelf, seed=seed, batches=batches))
            for _ in range(late):
                await asyncio.sleep(0)
            tail = Tail(hub, WordWatch(""), lambda: shelf.late(delay))
            reader = asyncio.create_task(read(tail, found))
            await writer
            await hub.settle()
            hub.close()
            await reader
            assert sorted(found) == sorted(text for _, text in shelf.records)

    asyncio.run(play())


async def events(tail: Tail, count: int) -> list[TailEvent]:
    """The first so many events."""
    found = []
    async for event in tail.events():
        found.append(event)
        if len(found) == count:
            break
    return found


async def test_silence_is_broken_by_heartbeats() -> None:
    async with running() as hub:
        with Tail(hub, WordWatch(""), heartbeat=0.01) as tail:
            assert await events(tail, 2) == [Heartbeat(), Heartbeat()]


async def test_leaving_ends_the_subscription() -> None:
    async with running() as hub:
        with Tail(hub, WordWatch("")):
            assert hub.subscribers == 1
        assert hub.subscribers == 0


async def test_rows_lost_while_the_store_answers_are_an_upper_bound() -> None:
    async with running(Limits(buffer_rows=1)) as hub:
        shelf = Shelf()

        async def answer() -> Chunk:
            for index in range(3):
                batch = framed(index, [str(index)])
                shelf.commit(batch, [str(index)])
                hub.publish(batch)
            await hub.settle()
            return await shelf.late(0)

        with Tail(hub, WordWatch(""), answer, heartbeat=0.01) as tail:
            stored, lost, silence = await events(tail, 3)
        assert isinstance(stored, Chunk)
        assert stored.rows == 3
        assert lost == Missed(count=2, exact=False)
        assert silence == Heartbeat()


async def test_what_the_store_cannot_answer_is_raised() -> None:
    async def answer() -> Chunk:
        raise TimeoutError("too slow")

    async with running() as hub:
        with Tail(hub, WordWatch(""), answer) as tail, pytest.raises(TimeoutError):
            await events(tail, 1)
