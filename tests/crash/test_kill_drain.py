"""SIGKILL while nothing happens but the drain: a log full of big segments, and a process that never gets far.

Each segment is one insert of the engine, over four partitions. A kill amid an insert leaves some of its parts
stored and some not; the next start inserts it again under the same token.
"""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Final

import pytest

from logyard.clock import SystemClock
from logyard.formats.json.lines import validate
from logyard.model.batch import Batch, Encoded
from logyard.model.ids import SnowflakeIds
from logyard.testing.server import Server
from logyard.types import BatchId, Nanoseconds
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings
from tests.crash.load import lines
from tests.crash.stored import count, facet, sql

SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
KILLS: Final = max(4, int(os.environ.get("CRASH_KILLS", "30")) // 3)

_BATCHES: Final = 6
"""In a segment."""
_BATCH_ROWS: Final = 2_000
_SEGMENTS: Final = KILLS + 2
_STORED: Final = (
    "SELECT count() AS stored, uniqExact(id) AS ids, "
    "uniqExact(attributes['batch'], attributes['row']) AS different FROM logs"
)
_ROWS: Final = _SEGMENTS * _BATCHES * _BATCH_ROWS

pytestmark = pytest.mark.slow


async def fill(directory: Path) -> None:
    """A log as a process leaves it that was killed before its drain got to anything."""
    clock = SystemClock()
    ids = SnowflakeIds(1, clock)
    wal = Wal.open(directory, settings=WalSettings(min_free_bytes=0), disk=RealDisk(), clock=clock)
    try:
        for number in range(_SEGMENTS * _BATCHES):
            body = validate("\n".join(lines(f"batch{number}", _BATCH_ROWS)).encode()).encoded
            assert isinstance(body, Encoded)
            batch = Batch(
                id=BatchId(number.to_bytes(16, "big")),
                first=ids.reserve(_BATCH_ROWS),
                received=Nanoseconds(clock.now()),
                body=body,
                keyed=number % 3 == 0,
            )
            await wal.append(batch)
            if number % _BATCHES == _BATCHES - 1:
                wal.seal()
    finally:
        wal.close()


def sealed(log: Path) -> int:
    return len(list(log.glob("*.sealed")))


def one_more(server: Server, log: Path) -> None:
    """Return when the drain has stored a segment, or there is none left."""
    before, deadline = sealed(log), time.monotonic() + 120
    while before and sealed(log) == before:
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.002)


def test_a_drain_that_is_killed_again_and_again_stores_everything_once(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    data = tmp_path / "data"
    asyncio.run(fill(data / "wal"))
    server = Server(data)
    left = []
    for life in range(KILLS):
        server.spawn()
        if life % 3:
            one_more(server, data / "wal")
            time.sleep(moments.uniform(0.0, 0.12))  # in the middle of the next one, or of one behind it
        else:  # anywhere, the start included
            time.sleep(moments.uniform(0.05, 1.5))
        server.kill()
        left.append(sealed(data / "wal"))
    print(f"CRASH_SEED={SEED}: segments left after each kill: {left}")
    assert any(0 < some < _SEGMENTS for some in left), "no kill came amid the drain: the moments are badly chosen"
    with server:
        assert count(server.url) == _ROWS
        assert sql(server.url, _STORED) == [{"stored": _ROWS, "ids": _ROWS, "different": _ROWS}]
        assert facet(server.url, "service") == _ROWS, "the roll-up beside the records is not what they are"
        assert server.stop() == 0
    assert not list(data.glob("dead_letters/*"))
