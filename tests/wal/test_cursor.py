"""Facts about named cursors."""

import errno
from pathlib import Path

import pytest

from logyard.testing.faulty_disk import FaultyDisk
from logyard.wal.cursor import Cursors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cursors"


def test_a_cursor_survives(disk: FaultyDisk, folder: Path) -> None:
    cursors = Cursors(disk, folder)
    cursors.set("store", 42)
    cursors.set("output-1", 7)
    again = Cursors(disk, folder)
    assert again.all() == {"store": 42, "output-1": 7}
    assert again.low() == 7


def test_its_file_is_the_number_and_a_checksum(disk: FaultyDisk, folder: Path) -> None:
    Cursors(disk, folder).set("store", 41)
    assert (folder / "store").read_text() == "41 ab2de132\n"


def test_a_damaged_cursor_starts_at_the_oldest(disk: FaultyDisk, folder: Path) -> None:
    Cursors(disk, folder).set("store", 42)
    disk.flip(folder / "store", 0, 0)
    assert Cursors(disk, folder).next("store") == 0


def test_a_forgotten_cursor_is_gone(disk: FaultyDisk, folder: Path) -> None:
    cursors = Cursors(disk, folder)
    cursors.set("store", 42)
    cursors.remove("store")
    cursors.remove("store")
    assert cursors.low() == 0
    assert Cursors(disk, folder).all() == {}


@pytest.mark.parametrize("name", ["", "../store", "a/b", ".hidden", "x.tmp", "n" * 101])
def test_what_is_no_file_name_is_no_cursor(disk: FaultyDisk, folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Cursors(disk, folder).set(name, 1)


def test_a_move_that_fails_is_no_move(disk: FaultyDisk, folder: Path) -> None:
    cursors = Cursors(disk, folder)
    cursors.set("store", 1)
    disk.fail("write", error=errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        cursors.set("store", 2)
    assert cursors.next("store") == Cursors(disk, folder).next("store") == 1
