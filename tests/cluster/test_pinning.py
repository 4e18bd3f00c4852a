"""A parcel goes to the same shard whenever it is asked, though shards are added."""

from pathlib import Path

import pytest

from logyard.errors import Corrupt
from logyard.store.cluster.pinning import Change, Pins, remembered
from logyard.types import Nanoseconds
from logyard.wal.disk import RealDisk

_TOKENS = [f"{number:020d}.lines.x" for number in range(1000)]
_OLD, _NEW = Nanoseconds(5), Nanoseconds(10)


def owners(pins: Pins, token: str, received: Nanoseconds) -> list[int]:
    return [shard for shard in (1, 2, 3) if pins.wants(shard, token, received)]


def test_each_parcel_has_one_shard_and_each_shard_its_share() -> None:
    pins = Pins([Change(0, 3)], "segment")
    found = [owners(pins, token, _OLD) for token in _TOKENS]
    assert all(len(each) == 1 for each in found)
    assert all(250 < found.count([shard]) < 420 for shard in (1, 2, 3))


def test_what_came_before_a_shard_was_added_stays_where_it_was() -> None:
    before, after = Pins([Change(0, 2)], "segment"), Pins([Change(0, 2), Change(_NEW, 3)], "segment")
    assert [owners(after, token, _OLD) for token in _TOKENS] == [owners(before, token, _OLD) for token in _TOKENS]
    assert any(owners(after, token, _NEW) == [3] for token in _TOKENS)


@pytest.mark.parametrize("shard_by", ["service", "time"])
def test_by_their_rows_parcels_go_to_all_shards_that_there_were(shard_by: str) -> None:
    pins = Pins([Change(0, 2), Change(_NEW, 3)], "service" if shard_by == "service" else "time")
    assert owners(pins, "t", _OLD) == [1, 2]
    assert owners(pins, "t", _NEW) == [1, 2, 3]
    assert pins.condition(2, _OLD).endswith("% 2 = 1")
    assert pins.condition(3, _NEW).endswith("% 3 = 2")


def test_changes_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "shards"

    def now(shards: int, at: int) -> list[Change]:
        return remembered(RealDisk(), file, shards, now=Nanoseconds(at))

    assert now(2, 7) == [Change(0, 2)]
    assert now(2, 8) == [Change(0, 2)]
    assert now(3, 9) == now(3, 10) == [Change(0, 2), Change(9, 3)]
    assert file.read_text() == "0 2\n9 3\n"


def test_a_file_that_says_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shards").write_text("two")
    with pytest.raises(Corrupt, match="does not say which shards there were"):
        remembered(RealDisk(), tmp_path / "shards", 2, now=Nanoseconds(1))
