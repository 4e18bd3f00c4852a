"""The way in."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from logyard.errors import BadInput, Closing
from logyard.model.batch import Receipt
from logyard.model.handover import Placed
from logyard.pipeline.chain import Chain
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.log import WalSettings
from tests.ingest.conftest import Bench, submission


async def test_accepted_is_in_the_log_and_on_the_live_side(bench: Bench) -> None:
    receipt = await bench.inlet.accept(submission("a", "b"))
    assert (receipt.rows, receipt.duplicate) == (2, False)
    assert bench.wal.position() == 1
    assert [batch.first for batch in bench.published] == [receipt.first]


async def test_ids_rise_over_concurrent_calls(bench: Bench) -> None:
    receipts = await asyncio.gather(*(bench.inlet.accept(submission("a", "b")) for _ in range(50)))
    firsts = [receipt.first for receipt in receipts]
    assert len(set(firsts)) == 50
    assert [batch.first for batch in bench.published] == sorted(firsts)


async def test_a_key_gets_its_first_answer_again(bench: Bench) -> None:
    first = await bench.inlet.accept(submission("a", "b", key="k"))
    again = await bench.inlet.accept(submission("other", key="k"))
    assert (again.first, again.rows, again.duplicate) == (first.first, 2, True)
    assert bench.wal.position() == 1


async def test_the_same_key_at_once_is_stored_once(bench: Bench) -> None:
    receipts = await asyncio.gather(*(bench.inlet.accept(submission("a", key="k")) for _ in range(20)))
    assert len({receipt.first for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert bench.wal.position() == 1


async def test_a_key_in_the_log_is_known_after_a_restart(bench: Bench) -> None:
    first = await bench.inlet.accept(submission("a", key="k"))
    bench.close()
    bench.open()
    again = await bench.inlet.accept(submission("a", key="k"))
    assert (again.first, again.duplicate) == (first.first, True)


async def test_a_key_in_the_store_is_known_after_a_restart(bench: Bench) -> None:
    bench.drain.start()
    first = await bench.inlet.accept(submission("a", key="k"))
    assert await bench.drain.settle(60)
    bench.close()
    bench.open()
    again = await bench.inlet.accept(submission("a", key="k"))
    assert (again.first, again.duplicate) == (first.first, True)


async def test_a_caller_that_goes_away_keeps_nothing_from_the_live_side(bench: Bench) -> None:
    call = asyncio.create_task(bench.inlet.accept(submission("a")))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    later = await bench.inlet.accept(submission("b"))
    assert bench.wal.position() == len(bench.published)
    assert bench.published[-1].first == later.first


async def test_a_closed_inlet_sends_away(bench: Bench) -> None:
    bench.inlet.close()
    with pytest.raises(Closing, match="stopping"):
        await bench.inlet.accept(submission("a"))


async def test_what_the_pipeline_drops_is_not_stored(bench: Bench) -> None:
    bench.close()
    bench.chain = Chain.of([{"type": "drop", "where": "a"}])
    bench.open()
    receipt = await bench.inlet.accept(submission("a", "b", "a"))
    assert receipt.rows == 1
    assert (await bench.inlet.accept(submission("a"))).rows == 0
    assert bench.telemetry.total("logyard_records_dropped_total") == 3
    assert bench.wal.position() == 1


async def test_a_held_store_does_not_hold_the_acknowledgement(bench: Bench) -> None:
    bench.close()
    bench.settings = WalSettings(segment_seconds=0.01)
    bench.open()
    bench.store.hold()
    bench.drain.start()
    for _ in range(5):
        await bench.inlet.accept(submission("a"))
    assert bench.wal.position() == 5
    assert not await bench.drain.settle(0.1)
    bench.store.release()
    assert await bench.drain.settle(60)


async def test_records_from_elsewhere_keep_their_ids_and_pass_no_pipeline(bench: Bench) -> None:
    bench.chain = Chain((lambda frame: frame.head(0),))
    bench.close()
    bench.open()
    placed = Placed(LogId(77), Nanoseconds(5))
    receipt = await bench.inlet.accept(msgspec.structs.replace(submission("a", "b", key="k"), placed=placed))
    assert (receipt.first, receipt.rows) == (77, 2)
    assert [(batch.first, batch.received) for batch in bench.published] == [(77, 5)]


async def test_fresh_records_are_not_looked_up_and_stored_once(bench: Bench) -> None:
    asked: list[Sequence[BatchId]] = []

    def known(keys: Sequence[BatchId]) -> Mapping[BatchId, Receipt]:
        asked.append(keys)
        return {}

    bench.store.known = known  # type: ignore[method-assign] # a store that tells
    bench.close()
    bench.open()
    placed = msgspec.structs.replace(submission("a", key="k"), placed=Placed(LogId(77), Nanoseconds(5), fresh=True))
    assert not (await bench.inlet.accept(placed)).duplicate
    assert (await bench.inlet.accept(placed)).duplicate
    assert asked == []
    assert bench.wal.position() == 1


async def test_records_from_the_future_are_refused(bench: Bench) -> None:
    placed = Placed(LogId(77), Nanoseconds(9 * 10**18))
    with pytest.raises(BadInput, match="check the clocks"):
        await bench.inlet.accept(msgspec.structs.replace(submission("a"), placed=placed))
