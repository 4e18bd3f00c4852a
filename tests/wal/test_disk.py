"""Facts about the real disk."""

import contextlib
from pathlib import Path

import pytest

from logyard.wal.disk import RealDisk, replace_file


def test_many_buffers_are_one_file(tmp_path: Path) -> None:
    buffers = [b"%d," % number for number in range(3000)]
    with contextlib.closing(RealDisk().open_append(tmp_path / "file")) as file:
        file.write(buffers[:2500])
        file.write([memoryview(buffer) for buffer in buffers[2500:]])
        file.sync()
    assert (tmp_path / "file").read_bytes() == b"".join(buffers)


def test_writing_goes_on_where_the_file_was_cut(tmp_path: Path) -> None:
    disk = RealDisk()
    with contextlib.closing(disk.open_append(tmp_path / "file")) as file:
        file.write([b"good", b"bad"])
        file.truncate(4)
        file.write([b" again"])
    assert disk.read(tmp_path / "file") == b"good again"
    assert disk.size(tmp_path / "file") == 10


def test_names(tmp_path: Path) -> None:
    disk = RealDisk()
    disk.make_directory(tmp_path / "a" / "b")
    disk.make_directory(tmp_path / "a" / "b")
    replace_file(disk, tmp_path / "a" / "one", [b"1"])
    disk.rename(tmp_path / "a" / "one", tmp_path / "a" / "two")
    assert disk.list(tmp_path / "a") == ["b", "two"]
    disk.unlink(tmp_path / "a" / "two")
    assert disk.list(tmp_path / "a") == ["b"]
    assert disk.free_bytes(tmp_path) > 0


def test_a_file_is_replaced_whole_after_a_crash_left_a_draft(tmp_path: Path) -> None:
    (tmp_path / "file.tmp").write_bytes(b"half of an old dra")
    replace_file(RealDisk(), tmp_path / "file", [b"new"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"new"}


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    disk = RealDisk()
    with disk.lock(tmp_path / "lock"), pytest.raises(BlockingIOError):
        disk.lock(tmp_path / "lock")
    with disk.lock(tmp_path / "lock"):
        pass
