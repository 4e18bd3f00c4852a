"""Facts about the local log and its disk; what every buffer promises is in logyard/testing/buffer_suite.py."""

import asyncio
import errno
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from logyard.errors import Closing, DiskFull, NotNow, StoreFailed
from logyard.model.batch import Batch, Receipt
from logyard.testing.clock import ManualClock
from logyard.testing.faulty_disk import FaultyDisk
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.log import Wal, WalSettings

FEW_BYTES = WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_bytes=500)


def seal(wal: Wal, cursor: str = "store") -> list[Batch]:
    """Everything that the cursor has not passed, sealed."""
    wal.register(cursor)
    wal.seal()
    backlog = wal._backlog
    with backlog._changed:
        assert backlog._changed.wait_for(lambda: not backlog._open, 60)
    return [batch for segment in wal.sealed(cursor) for batch in segment.batches()]


async def test_many_appends_share_one_sync(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    positions = await asyncio.gather(*(wal.append(batch(number)) for number in range(500)))
    assert sorted(positions) == list(range(1, 501))
    assert disk.syncs < 100
    assert wal.stats().appended_total == 500
    assert [one.first for one in seal(wal)] == list(range(500)), "in the order of their appends"


async def test_acknowledged_is_safe_at_once(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    await asyncio.gather(wal.append(batch(1)), wal.append(batch(2, framed=True, keyed=True)))
    after = open_wal(on=disk.crash(random.Random(0)))
    assert after.recovery.batches == 2
    assert after.keyed_backlog() == {batch(2).id: Receipt(first=LogId(2), rows=1)}
    assert sorted(one.first for one in seal(after)) == [1, 2]


async def test_sealing_one_form_seals_what_came_before_it(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch]
) -> None:
    wal = open_wal(FEW_BYTES)
    wal.register("store")
    await wal.append(batch(1))
    await wal.append(batch(2, framed=True, size=2_000))
    wal.wait("store", 10)
    await wal.append(batch(3))
    forms = [(segment.number, segment.form) for segment in wal.sealed("store")]
    assert forms == [(1, "lines"), (2, "frames")]


async def test_a_segment_goes_when_all_cursors_have_passed_it(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], tmp_path: Path
) -> None:
    wal = open_wal()
    wal.register("output")
    await wal.append(batch(1))
    seal(wal)
    (segment,) = wal.sealed("store")
    wal.advance("store", segment)
    wal.advance("store", segment)
    assert (wal.passed("store"), wal.passed("output")) == (1, 0)
    assert wal.sealed("store") == []
    assert wal.sealed("output") == [segment]
    wal.advance("output", segment)
    assert list((tmp_path / "wal").glob("*.sealed")) == []
    assert (wal.passed("output"), wal.stats().backlog_bytes) == (1, 0)


async def test_tokens_of_one_number_differ(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], tmp_path: Path
) -> None:
    tokens = []
    for number in (1, 2):
        wal = open_wal()
        await wal.append(batch(number))
        seal(wal)
        tokens += [(segment.number, segment.token) for segment in wal.sealed("store")]
        wal.close()
        for path in (tmp_path / "wal").rglob("*0*.sealed"):
            wal._site.disk.unlink(path)
        wal._site.disk.unlink(tmp_path / "wal" / "cursors" / "store")
    assert tokens[0][0] == tokens[1][0]
    assert tokens[0][1] != tokens[1][1]


async def test_close_writes_what_is_queued(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], tmp_path: Path
) -> None:
    wal = open_wal()
    wal.register("store")
    tasks = [asyncio.ensure_future(wal.append(batch(number))) for number in range(20)]
    await asyncio.sleep(0)
    wal.close()
    assert sorted(await asyncio.gather(*tasks)) == list(range(1, 21))
    assert sum(len(segment.batches()) for segment in wal.sealed("store")) == 20
    assert list((tmp_path / "wal").glob("*.open")) == []
    with pytest.raises(Closing):
        await wal.append(batch(99))


async def test_too_little_room_refuses_before_the_disk_is_full(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal(WalSettings(min_free_bytes=1_000))
    disk.capacity = 900
    with pytest.raises(DiskFull, match=r"wal\.min_free_bytes"):
        await wal.append(batch(1))
    disk.heal()
    assert await wal.append(batch(1)) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param((errno.ENOSPC, 0), DiskFull, id="no room"),
        pytest.param((errno.ENOSPC, 60), DiskFull, id="room for a part"),
        pytest.param((errno.EDQUOT, 10), DiskFull, id="quota"),
        pytest.param((errno.EIO, 60), NotNow, id="failing disk"),
    ],
)
async def test_a_short_write_is_refused_and_leaves_nothing(
    open_wal: Callable[..., Wal],
    batch: Callable[..., Batch],
    disk: FaultyDisk,
    *,
    fault: tuple[int, int],
    kind: type[NotNow],
) -> None:
    wal = open_wal()
    await wal.append(batch(1))
    disk.fail("write", error=fault[0], after=fault[1])
    with pytest.raises(kind):
        await wal.append(batch(2))
    assert await wal.append(batch(3)) == 2
    assert [one.first for one in seal(wal)] == [1, 3]
    assert (wal.stats().failures_total, wal.stats().corrupt_frames) == (1, 0)


async def test_after_a_failed_sync_the_file_is_left(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    await wal.append(batch(1))
    disk.fail("sync")
    with pytest.raises(NotNow):
        await wal.append(batch(2))
    await wal.append(batch(3))
    seal(wal)
    assert [segment.number for segment in wal.sealed("store")] == [1, 2]
    assert [one.first for one in seal(wal)] == [1, 3]


async def test_when_the_file_cannot_be_cut_its_end_is_not_believed(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    await wal.append(batch(1))
    disk.fail("truncate")
    disk.fail("sync")
    with pytest.raises(NotNow):
        await wal.append(batch(2))
    wal.register("store")
    (segment,) = wal.sealed("store")
    assert segment.path.stat().st_size > segment.bytes
    assert [one.first for one in segment.batches()] == [1]
    assert segment.path.stat().st_size == segment.bytes, "the engine meets only what was acknowledged"


async def test_a_cursor_moves_on_a_full_disk(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    await wal.append(batch(1))
    seal(wal)
    disk.capacity = 0
    wal.advance("store", wal.sealed("store")[0])
    assert (wal.passed("store"), wal.stats().segments) == (1, 0)


async def test_a_cursor_that_cannot_move_says_so(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    wal.register("output")
    await wal.append(batch(1))
    seal(wal)
    disk.fail("write")
    with pytest.raises(NotNow, match="store"):
        wal.advance("store", wal.sealed("store")[0])
    assert len(wal.sealed("store")) == 1


async def test_lag_is_the_age_of_the_oldest_unpassed_batch(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], clock: ManualClock
) -> None:
    wal = open_wal()
    wal.register("store")
    assert wal.stats().lag == {"store": 0.0}
    await wal.append(batch(1))
    clock.advance(7)
    assert wal.stats().lag == {"store": 7.0}


async def test_a_writer_that_dies_refuses_everybody(open_wal: Callable[..., Wal], batch: Callable[..., Batch]) -> None:
    wal = open_wal()
    odd = Batch(id=BatchId(bytes(16)), first=LogId(1 << 70), received=Nanoseconds(0), body=batch(1).body)
    with pytest.raises(StoreFailed, match="stopped"):
        await wal.append(odd)
    with pytest.raises(StoreFailed, match="stopped"):
        await wal.append(batch(1))
