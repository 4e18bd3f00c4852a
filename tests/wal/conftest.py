"""What the facts about the log share."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from logyard.model.batch import Batch, Encoded
from logyard.testing.clock import ManualClock
from logyard.testing.faulty_disk import FaultyDisk
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.log import Wal, WalSettings

NOW = 1_767_225_600_000_000_000


def _batch(number: int, *, framed: bool = False, keyed: bool = False, size: int = 1) -> Batch:
    message = f"message {number} " + "x" * size
    lines = Encoded(lines=json.dumps({"message": message}).encode(), rows=1)
    return Batch(
        id=BatchId(number.to_bytes(16, "big")),
        first=LogId(number),
        received=Nanoseconds(NOW),
        body=pl.DataFrame({"message": [message]}) if framed else lines,
        keyed=keyed,
    )


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """A batch of one record, told from others by its number."""
    return _batch


@pytest.fixture
def disk(tmp_path: Path) -> FaultyDisk:
    return FaultyDisk(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_wal(tmp_path: Path, disk: FaultyDisk, clock: ManualClock) -> Iterator[Callable[..., Wal]]:
    """Open the log in ``tmp_path / "wal"``; whatever is opened is closed at the end."""
    opened: list[Wal] = []

    def start(settings: WalSettings | None = None, *, on: FaultyDisk = disk) -> Wal:
        rules = settings or WalSettings(min_free_bytes=0, segment_seconds=1e9)
        wal = Wal.open(tmp_path / "wal", settings=rules, disk=on, clock=clock)
        opened.append(wal)
        return wal

    yield start
    for wal in opened:
        wal.close()
