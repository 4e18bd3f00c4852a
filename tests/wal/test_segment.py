"""Facts about a segment's name and about reading it."""

from collections.abc import Callable

import pytest

from logyard.errors import StoreFailed
from logyard.model.batch import Batch
from logyard.testing.faulty_disk import FaultyDisk
from logyard.wal.log import Wal
from logyard.wal.segment import Segment, SegmentName, parse_name, scan


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("00000000000000000042.lines.open", SegmentName(42, "lines", "open"), id="open"),
        pytest.param("00000000000000000042.frames.sealed", SegmentName(42, "frames", "sealed"), id="sealed"),
        pytest.param("00000000000000000007.lines.corrupt", SegmentName(7, "lines", "corrupt"), id="corrupt"),
    ],
)
def test_a_name_is_read_as_it_is_written(text: str, name: SegmentName) -> None:
    assert parse_name(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42.lines.open",
        "00000000000000000042.rows.open",
        "00000000000000000042.lines.sealed.tmp",
        "cursors",
    ],
)
def test_other_files_are_no_segments(text: str) -> None:
    assert parse_name(text) is None


async def sealed_segment(wal: Wal, batches: list[Batch]) -> Segment:
    wal.register("store")
    for one in batches:
        await wal.append(one)
    wal.seal()
    (segment,) = wal.wait("store", 10)
    return segment


async def test_a_segment_gives_its_batches(open_wal: Callable[..., Wal], batch: Callable[..., Batch]) -> None:
    sent = [batch(1), batch(2, keyed=True)]
    segment = await sealed_segment(open_wal(), sent)
    assert segment.batches() == sent
    assert (segment.rows, segment.first_position, segment.last_position) == (2, 1, 2)
    assert set(segment.receipts()) == {sent[1].id}
    assert segment.token == f"{1:020d}.lines.{sent[0].id.hex()}"


async def test_a_flipped_bit_costs_one_frame(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    wal = open_wal()
    sent = [batch(number) for number in (1, 2, 3)]
    segment = await sealed_segment(wal, sent)
    frame = segment.bytes // 3
    disk.flip(segment.path, frame + 60, 3)
    assert segment.batches() == [sent[0], sent[2]]
    assert segment.corrupt == wal.stats().corrupt_frames == 1
    headers = scan(segment.path.read_bytes())
    assert headers is not None, "the engine meets good frames only"
    assert [header.first for header in headers] == [1, 3]
    assert len(segment.path.with_suffix(".corrupt").read_bytes()) == frame
    assert segment.batches() == [sent[0], sent[2]]


async def test_a_file_that_cannot_be_read_says_so(
    open_wal: Callable[..., Wal], batch: Callable[..., Batch], disk: FaultyDisk
) -> None:
    segment = await sealed_segment(open_wal(), [batch(1)])
    disk.fail("read")
    with pytest.raises(StoreFailed, match=r"lines\.sealed"):
        segment.batches()
    assert len(segment.batches()) == 1
