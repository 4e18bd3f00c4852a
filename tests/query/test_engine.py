"""Queries that are stopped: by their limit, by too many others, by a client that goes away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from logyard.config import QueryConfig
from logyard.errors import Backpressure, QueryTimeout, QueryTooLarge
from logyard.ports import Statement
from logyard.query.budget import Budget
from logyard.query.engine import Engine
from logyard.store.embedded import EmbeddedStore

SLOW = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) % 7 = 0"
LONG = "SELECT number FROM numbers(100000000000)"


@pytest.fixture
async def engine(store: EmbeddedStore) -> AsyncIterator[Engine]:
    made = Engine(store, Budget(QueryConfig(concurrency=2, max_rows_read=10_000_000_000_000)))
    yield made
    made.close()


async def running(store: EmbeddedStore) -> int:
    """Queries that the engine is at, but for this one."""
    sql = "SELECT count() FROM system.processes WHERE query LIKE '%FROM numbers(%' AND query NOT LIKE '%processes%'"
    found = await asyncio.to_thread(store.query, Statement(sql=sql))
    return int(found.item())


async def until(store: EmbeddedStore, count: int) -> None:
    async with asyncio.timeout(60):
        while await running(store) != count:  # noqa: ASYNC110 - the engine tells nobody
            await asyncio.sleep(0.01)


async def test_a_query_that_nobody_waits_for_is_stopped(store: EmbeddedStore, engine: Engine) -> None:
    asked = asyncio.create_task(engine.ask(SLOW))
    await until(store, 1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until(store, 0)


async def test_a_stream_that_is_closed_is_stopped(store: EmbeddedStore, engine: Engine) -> None:
    pieces = engine.stream(LONG)
    assert (await anext(pieces)).height
    await pieces.aclose()
    await until(store, 0)


async def test_a_stream_that_gives_nothing_yet_is_stopped(store: EmbeddedStore, engine: Engine) -> None:
    pieces = engine.stream(SLOW)
    asked = asyncio.ensure_future(anext(pieces))
    await until(store, 1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await pieces.aclose()
    await until(store, 0)


async def test_a_stream_gives_piece_after_piece(engine: Engine) -> None:
    pieces = engine.stream(LONG)
    heights = [(await anext(pieces)).height for _ in range(20)]
    assert all(heights)
    await pieces.aclose()


async def test_a_query_has_its_time(engine: Engine) -> None:
    with pytest.raises(QueryTimeout):
        await engine.ask(SLOW, seconds=0.1)
    with pytest.raises(QueryTimeout):
        await anext(engine.stream(SLOW, seconds=0.1))


@pytest.mark.parametrize(
    "limits", [QueryConfig(max_rows_read=1000), QueryConfig(max_bytes_read=1000)], ids=["rows", "bytes"]
)
async def test_a_query_may_read_so_much(store: EmbeddedStore, limits: QueryConfig) -> None:
    engine = Engine(store, Budget(limits))
    with pytest.raises(QueryTooLarge):
        await engine.ask("SELECT count() FROM numbers(1000000) WHERE number % 2 = 0")
    engine.close()


async def test_too_many_at_once_are_refused_and_those_in_line_get_their_turn(store: EmbeddedStore) -> None:
    engine = Engine(store, Budget(QueryConfig(concurrency=1), waiting=1))
    first = asyncio.create_task(engine.ask(SLOW))
    await until(store, 1)
    second = asyncio.create_task(engine.ask("SELECT 1"))
    await asyncio.sleep(0)
    with pytest.raises(Backpressure):
        await engine.ask("SELECT 2")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).item() == 1
    engine.close()


async def test_no_query_asks_for_more_time_than_there_is() -> None:
    budget = Budget(QueryConfig(timeout=5))
    assert budget.seconds(None) == budget.seconds(60) == 5
    assert budget.seconds(1) == 1
