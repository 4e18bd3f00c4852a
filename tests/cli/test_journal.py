"""The journal of a move: what it remembers, and what a crash does to it."""

from pathlib import Path

import pytest

from logyard.cli.journal import Journal, Verified
from logyard.errors import BadInput

FIRST = Verified(partition="20261120", rows=5, checksum=7, until=9)
SECOND = Verified(partition="20261121", rows=6, checksum=8, until=9)


def written(path: Path) -> bytes:
    journal = Journal.open(path, "a", "b")
    journal.record(FIRST)
    journal.record(SECOND)
    journal.close()
    return path.read_bytes()


def test_it_remembers(tmp_path: Path) -> None:
    written(tmp_path / "m.moving")
    journal = Journal.open(tmp_path / "m.moving", "a", "b")
    assert journal.known("20261120") == FIRST
    assert journal.known("20261121") == SECOND
    assert journal.known("20261122") is None
    assert journal.complete() == tmp_path / "m.moved"
    assert [path.name for path in tmp_path.iterdir()] == ["m.moved"]


def test_cut_anywhere_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "m.moving"
    whole = written(path)
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        journal = Journal.open(path, "a", "b")
        assert journal.known("20261120") in {None, FIRST}
        journal.record(SECOND)
        journal.close()
        journal = Journal.open(path, "a", "b")
        assert journal.known("20261121") == SECOND
        journal.close()


def test_another_moves_journal_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "m.moving")
    with pytest.raises(BadInput, match="belongs to another move"):
        Journal.open(tmp_path / "m.moving", "a", "c")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot keep a journal"):
        Journal.open(tmp_path / "none" / "m.moving", "a", "b")


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        pytest.param("./data", "http://big:8005", "logyard-data-to-big_8005.moving", id="directory to server"),
        pytest.param("https://a/", ".", "logyard-a-to-here.moving", id="server to here"),
    ],
)
def test_its_name_says_what_it_is(source: str, target: str, name: str) -> None:
    assert Journal.place(Path(), source, target).name == name
