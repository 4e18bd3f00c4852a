"""Facts about what a start makes of what it finds."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from logyard.errors import StoreFailed
from logyard.model.batch import Batch
from logyard.testing.clock import ManualClock
from logyard.testing.faulty_disk import FaultyDisk
from logyard.wal.cursor import Cursors
from logyard.wal.log import Wal, WalSettings
from logyard.wal.record import body_of, encode
from logyard.wal.recover import recover
from logyard.wal.settings import Site

OPEN = f"{5:020d}.lines.open"
SEALED = f"{5:020d}.lines.sealed"


@pytest.fixture
def site(tmp_path: Path, disk: FaultyDisk, clock: ManualClock) -> Site:
    return Site(tmp_path, WalSettings(), disk, clock)


def put(site: Site, name: str, data: bytes) -> None:
    file = site.disk.open_append(site.directory / name)
    file.write([data])
    file.sync()


def frame(batch: Batch) -> bytes:
    body = body_of(batch)
    return encode(batch, body) + bytes(body)


def cursors(site: Site, **numbers: int) -> Cursors:
    found = Cursors(site.disk, site.directory / "cursors")
    for name, number in numbers.items():
        found.set(name, number)
    return found


def names(site: Site) -> list[str]:
    return [name for name in site.disk.list(site.directory) if name != "cursors"]


def test_an_empty_folder_is_a_new_log(site: Site) -> None:
    found = recover(site, cursors(site))
    assert (found.segments, found.next_number, found.report.batches) == ([], 1, 0)


def test_an_open_segment_is_sealed(site: Site, batch: Callable[..., Batch]) -> None:
    put(site, OPEN, frame(batch(1)) + frame(batch(2)))
    found = recover(site, cursors(site))
    assert names(site) == [SEALED]
    assert found.segments[0].batches() == [batch(1), batch(2)]
    assert (found.next_number, found.report.batches, found.report.rows) == (6, 2, 2)


def test_a_torn_tail_is_cut_off_and_counted(site: Site, batch: Callable[..., Batch]) -> None:
    put(site, OPEN, frame(batch(1)) + frame(batch(2))[:-5])
    report = recover(site, cursors(site)).report
    assert (report.torn_bytes, report.corrupt_frames) == (len(frame(batch(2))) - 5, 0)
    assert site.disk.read(site.directory / SEALED) == frame(batch(1))


def test_bad_bytes_in_the_middle_are_put_aside_and_counted(site: Site, batch: Callable[..., Batch]) -> None:
    bad = frame(batch(2))[:-1] + b"?"
    put(site, OPEN, frame(batch(1)) + bad + frame(batch(3)))
    found = recover(site, cursors(site))
    assert names(site) == [f"{5:020d}.lines.corrupt", SEALED]
    assert site.disk.read(site.directory / f"{5:020d}.lines.corrupt") == bad
    assert found.segments[0].batches() == [batch(1), batch(3)]
    assert (found.report.corrupt_frames, found.report.corrupt_bytes, found.report.quarantined) == (
        1,
        len(bad),
        1,
    )


@pytest.mark.parametrize("content", [pytest.param(b"", id="empty"), pytest.param(bytes(10), id="zeros")])
def test_an_open_segment_without_frames_goes(site: Site, content: bytes) -> None:
    put(site, OPEN, content)
    found = recover(site, cursors(site))
    assert (names(site), found.segments, found.next_number) == ([], [], 6)


def test_a_sealed_segment_whose_structure_is_broken_is_mended(site: Site, batch: Callable[..., Batch]) -> None:
    put(site, SEALED, frame(batch(1)) + b"noise" + frame(batch(2)))
    found = recover(site, cursors(site))
    assert found.segments[0].batches() == [batch(1), batch(2)]
    assert found.report.corrupt_bytes == 5


def test_drafts_and_passed_segments_and_doubles_go(site: Site, batch: Callable[..., Batch]) -> None:
    for number in (3, 4, 5):
        put(site, f"{number:020d}.lines.sealed", frame(batch(number)))
    put(site, OPEN, frame(batch(5)))
    put(site, SEALED + ".tmp", b"dra")
    found = recover(site, cursors(site, store=5, output=4))
    assert names(site) == [f"{4:020d}.lines.sealed", SEALED]
    assert [(segment.number, segment.first_position) for segment in found.segments] == [(4, 1), (5, 2)]


@pytest.mark.parametrize(
    ("present", "passed", "following"),
    [
        pytest.param([], 9, 9, id="all passed: the cursor knows"),
        pytest.param([f"{12:020d}.lines.corrupt"], 9, 13, id="remains keep their number"),
    ],
)
def test_numbers_are_never_used_again(site: Site, present: list[str], *, passed: int, following: int) -> None:
    for name in present:
        put(site, name, b"x")
    assert recover(site, cursors(site, store=passed)).next_number == following


@pytest.mark.parametrize("seed", range(20))
def test_a_crash_during_recovery_changes_nothing(site: Site, batch: Callable[..., Batch], seed: int) -> None:
    bad = frame(batch(2))[:-1] + b"?"
    put(site, OPEN, frame(batch(1)) + bad + frame(batch(3)))
    site.disk.sync_directory(site.directory)
    assert isinstance(site.disk, FaultyDisk)
    recover(site, cursors(site))
    after = Site(site.directory, site.settings, site.disk.crash(random.Random(seed)), site.clock)
    found = recover(after, cursors(after))
    assert found.segments[0].batches() == [batch(1), batch(3)]
    assert found.report.quarantined == 1


def test_a_log_that_cannot_be_read_says_so(open_wal: Callable[..., Wal], disk: FaultyDisk) -> None:
    disk.fail("read")
    with pytest.raises(StoreFailed, match="cannot open"):
        open_wal()
    open_wal()


def test_a_log_belongs_to_one_process(open_wal: Callable[..., Wal]) -> None:
    open_wal()
    with pytest.raises(StoreFailed, match="another process"):
        open_wal()
