"""Facts about the disk that fails on request: what the model test stands on."""

import errno
import random
from pathlib import Path

import pytest

from logyard.testing.faulty_disk import FaultyDisk


def after_crashes(disk_of: Path, act: str) -> set[bytes | None]:
    """What a file holds after a crash, over many chances; None when it has no name."""
    found: set[bytes | None] = set()
    for seed in range(60):
        root = disk_of / str(seed)
        root.mkdir()
        disk = FaultyDisk(root)
        file = disk.open_append(root / "file")
        file.write([b"ab"])
        if "s" in act:
            file.sync()
        if "d" in act:
            disk.sync_directory(root)
        file.write([b"cd"])
        disk.crash(random.Random(seed))
        found.add((root / "file").read_bytes() if (root / "file").exists() else None)
    return found


@pytest.mark.parametrize(
    ("act", "may_be"),
    [
        pytest.param("sd", {b"ab", b"abc", b"abcd"}, id="what was synced stays, of the rest any beginning"),
        pytest.param("d", {b"", b"a", b"ab", b"abc", b"abcd"}, id="nothing synced, anything goes"),
        pytest.param("s", {None, b"ab", b"abc", b"abcd"}, id="a name that was not synced may go"),
    ],
)
def test_what_a_crash_leaves(tmp_path: Path, act: str, may_be: set[bytes | None]) -> None:
    holes = {None if text is None else text.rstrip(b"\0") for text in after_crashes(tmp_path, act)}
    assert holes <= may_be
    assert len(holes) == len(may_be)


def test_bytes_that_a_failed_sync_left_behind_are_lost(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    file = disk.open_append(tmp_path / "file")
    disk.sync_directory(tmp_path)
    file.write([b"ab"])
    file.sync()
    file.write([b"cd"])
    disk.fail("sync")
    with pytest.raises(OSError, match="error"):
        file.sync()
    file.sync()
    disk.crash(random.Random(1))
    assert (tmp_path / "file").read_bytes() == b"ab"


def test_a_short_write_and_a_full_disk(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path, capacity=5)
    file = disk.open_append(tmp_path / "file")
    disk.fail("write", after=2)
    with pytest.raises(OSError, match="error"):
        file.write([b"abc"])
    with pytest.raises(OSError, match="No space") as full:
        file.write([b"cdef"])
    assert full.value.errno == errno.ENOSPC
    assert disk.read(tmp_path / "file") == (tmp_path / "file").read_bytes() == b"abcde"
    file.truncate(1)
    assert (disk.free_bytes(tmp_path), disk.size(tmp_path / "file")) == (4, 1)


def test_a_dead_disk_does_nothing_more(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    file = disk.open_append(tmp_path / "file")
    successor = disk.crash(random.Random(0))
    with pytest.raises(OSError, match="error"):
        file.write([b"x"])
    with pytest.raises(OSError, match="error"):
        disk.open_append(tmp_path / "other")
    assert successor.list(tmp_path) in ([], ["file"])
