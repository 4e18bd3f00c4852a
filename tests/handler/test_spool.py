from pathlib import Path

import pytest

from logyard.handler.batch import Batch
from logyard.handler.spool import Spool, SpoolFull

A, B = Batch("a-1", b'{"n":1}\n{"n":2}', 2), Batch("a-2", b'{"n":3}', 1)


def taken(spool: Spool) -> list[Batch]:
    found = []
    while (batch := spool.oldest()) is not None:
        found.append(batch)
        spool.done()
    return found


def test_batches_come_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "one", 1000)
    spool.write(A)
    spool.write(B)
    assert spool.count == 3
    assert taken(spool) == [A, B]
    assert spool.count == 0


def test_nothing_is_made_for_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "one", 1000)
    spool.adopt()
    assert spool.oldest() is None
    spool.close()
    assert not (tmp_path / "spool").exists()


def test_the_next_process_adopts_what_is_left(tmp_path: Path) -> None:
    first = Spool(tmp_path, "one", 1000)
    first.write(A)
    first.close()
    second = Spool(tmp_path, "two", 1000)
    second.adopt()
    assert taken(second) == [A]
    assert list(tmp_path.iterdir()) == []


def test_a_living_owner_keeps_its_own(tmp_path: Path) -> None:
    first, second = Spool(tmp_path, "one", 1000), Spool(tmp_path, "two", 1000)
    first.write(A)
    second.adopt()
    assert taken(second) == []
    assert taken(first) == [A]


def test_unfinished_files_are_no_batches(tmp_path: Path) -> None:
    first = Spool(tmp_path, "one", 1000)
    first.write(A)
    (tmp_path / "one" / ".a-9.1.ndjson").write_bytes(b'{"n"')
    first.close()
    second = Spool(tmp_path, "two", 1000)
    second.adopt()
    assert taken(second) == [A]


def test_the_spool_is_bounded(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "one", len(A.body))
    spool.write(A)
    with pytest.raises(SpoolFull, match="spool_bytes is"):
        spool.write(B)
    spool.done()
    spool.write(B)
    assert taken(spool) == [B]


def test_a_file_that_somebody_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "one", 1000)
    spool.write(A)
    spool.write(B)
    next(file for file in (tmp_path / "one").iterdir() if file.name.startswith("a-1")).unlink()
    assert taken(spool) == [B]
