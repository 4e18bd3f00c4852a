"""From durable to findable."""

import asyncio

import pytest

from logyard.errors import BadPayload, DiskFull, LogyardError, StoreFailed
from logyard.ingest.replay import replay
from logyard.testing.waiting import until
from tests.ingest.conftest import Bench, submission


async def test_settled_is_stored(bench: Bench) -> None:
    bench.drain.start()
    for text in "abc":
        await bench.inlet.accept(submission(text))
    assert await bench.drain.settle(60)
    assert bench.store.batch_ids == [batch.id for batch in bench.published]


async def test_nothing_to_wait_for_returns_at_once(bench: Bench) -> None:
    assert await bench.drain.settle(0)


async def test_the_files_go_when_they_are_stored(bench: Bench) -> None:
    bench.drain.start()
    await bench.inlet.accept(submission("a"))
    assert await bench.drain.settle(60)
    assert not list((bench.directory / "wal").glob("*.sealed"))


@pytest.mark.parametrize(
    "error",
    [pytest.param(DiskFull("full"), id="disk-full"), pytest.param(StoreFailed("engine died"), id="engine-failed")],
)
async def test_a_store_that_fails_for_a_while_loses_nothing(bench: Bench, error: LogyardError) -> None:
    bench.store.failures = [error] * 3
    bench.drain.start()
    await bench.inlet.accept(submission("a"))
    assert await bench.drain.settle(60)
    assert len(bench.store.batch_ids) == 1
    assert bench.dead.count() == 0
    assert bench.telemetry.total("logyard_drain_delayed_total") == 3


async def test_what_the_store_never_takes_goes_to_the_dead_letters(bench: Bench) -> None:
    bench.store.failures = [BadPayload("poison")]
    bench.drain.start()
    await bench.inlet.accept(submission("a"))
    assert await bench.drain.settle(60)
    await bench.inlet.accept(submission("b"))
    assert await bench.drain.settle(60)
    assert bench.dead.count() == 1
    assert bench.store.batch_ids == [bench.published[1].id]
    assert [path.read_text() for path in (bench.directory / "dead").glob("*.reason")] == ["poison\n"]
    assert bench.telemetry.total("logyard_segment_lost_total") == 1


async def test_a_dead_letter_that_is_asked_for_is_stored_once_or_comes_back_with_its_new_reason(bench: Bench) -> None:
    bench.store.failures = [BadPayload("poison")]
    bench.drain.start()
    await bench.inlet.accept(submission("a"))
    assert await bench.drain.settle(10)
    for letter in bench.dead:
        letter.ask()
    bench.store.failures = [StoreFailed("busy"), BadPayload("still poison")]
    task = asyncio.create_task(replay(bench.dead, bench.store, bench.telemetry))
    await until(lambda: [letter.reason for letter in bench.dead if not letter.waiting] == ["still poison"])
    for letter in bench.dead:
        letter.ask()
    await until(lambda: not bench.dead.count())
    task.cancel()
    assert bench.store.batch_ids == [bench.published[0].id]
    assert list(bench.store.parcels) == [f"{1:020d}.lines.{bench.published[0].id.hex()}"]
    assert list((bench.directory / "dead").iterdir()) == []


async def test_what_was_not_stored_is_stored_after_a_restart(bench: Bench) -> None:
    await bench.inlet.accept(submission("a"))
    bench.close()
    bench.open()
    bench.drain.start()
    assert await bench.drain.settle(60)
    assert bench.store.batch_ids == [bench.published[0].id]


async def test_a_stop_stores_what_is_there(bench: Bench) -> None:
    bench.drain.start()
    await bench.inlet.accept(submission("a"))
    bench.wal.close()
    assert bench.drain.stop(60)
    assert len(bench.store.batch_ids) == 1


async def test_a_stop_does_not_wait_for_a_store_that_fails(bench: Bench) -> None:
    bench.store.failures = [DiskFull("full")] * 1000
    bench.drain.start()
    await bench.inlet.accept(submission("a"))
    bench.wal.close()
    assert bench.drain.stop(60)
    assert bench.store.batch_ids == []
    assert len(bench.wal.sealed("store")) == 1


async def test_the_cursor_moves_in_order(bench: Bench) -> None:
    """The second segment is stored while the first is tried again: the cursor waits for the first."""
    bench.store.failures = [StoreFailed("once")]
    for text in ("a", "b"):
        await bench.inlet.accept(submission(text))
        bench.wal.seal()
        assert bench.wal.wait("store", 60, after=-1)
    bench.drain.start()
    assert await bench.drain.settle(60)
    assert sorted(bench.store.batch_ids) == sorted(batch.id for batch in bench.published)
    assert bench.wal.sealed("store") == []
