"""Which days go."""

import pytest

from logyard.ports import Retention
from logyard.store.retention import Disk, Partition, expired
from logyard.types import Nanoseconds

DAY = 86_400_000_000_000
NOW = Nanoseconds(20_000 * DAY)
DAYS = [Partition(name=f"d{age}", newest=Nanoseconds(NOW - age * DAY), bytes=100) for age in (0, 3, 1, 2)]


@pytest.mark.parametrize(
    ("rules", "disk", "want"),
    [
        pytest.param(Retention(), (1000, 999), [], id="no-rules"),
        pytest.param(Retention(age_days=1.5), (1000, 0), ["d3", "d2"], id="age"),
        pytest.param(Retention(age_days=0.5), (1000, 0), ["d3", "d2", "d1"], id="age-keeps-today"),
        pytest.param(Retention(max_bytes=250), (1000, 0), ["d3", "d2"], id="bytes"),
        pytest.param(Retention(max_bytes=1), (1000, 0), ["d3", "d2", "d1"], id="bytes-never-take-the-last-day"),
        pytest.param(Retention(max_disk_percent=80), (1000, 950), ["d3", "d2"], id="disk"),
        pytest.param(Retention(max_disk_percent=80), (1000, 800), [], id="disk-at-the-limit"),
        pytest.param(Retention(age_days=2.5, max_bytes=250), (1000, 0), ["d3", "d2"], id="both"),
    ],
)
def test_oldest_days_go_first(rules: Retention, disk: tuple[int, int], want: list[str]) -> None:
    gone = expired(DAYS, rules, Disk(total=disk[0], used=disk[1]), now=NOW)
    assert [partition.name for partition in gone] == want


def test_nothing_stored_nothing_gone() -> None:
    assert expired([], Retention(age_days=1, max_bytes=1), Disk(total=1, used=1), now=NOW) == []
