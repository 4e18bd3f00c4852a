"""SIGKILL at any moment, again and again: what was acknowledged is there, and nothing is there twice.

``CRASH_KILLS`` says how often (30), ``CRASH_SEED`` repeats a run. The moments are drawn from the seed; what the
process does at them is its own affair, so a repeated run is alike, not the same.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.testing.server import Server, ServerOptions
from tests.crash.load import Book, Clients
from tests.crash.stored import count, differences

KILLS = int(os.environ.get("CRASH_KILLS", "30"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
CHECK_EVERY = 10

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    options = ServerOptions(settings={"wal.segment_seconds": 0.3})
    with Server(tmp_path / "data", options) as running:
        yield running


def test_acknowledged_records_survive_kills_under_load(server: Server) -> None:
    book, moments = Book(), random.Random(SEED)
    caught = 0
    for life in range(KILLS):
        said = asyncio.run(one_life(server, book, moments, life))
        caught += any((server.data / "wal").glob("*.sealed"))
        server.start()
        last = life == KILLS - 1
        if last:
            asyncio.run(settle_accounts(server, book, life + 1))
        if last or life % CHECK_EVERY == CHECK_EVERY - 1:
            report = f"CRASH_SEED={SEED}, after kill {life + 1} of {KILLS}, {said}"
            assert not differences(server.url, book), report
            assert not book.wrong, report
    print(f"CRASH_SEED={SEED}: {len(book.acknowledged)} of {len(book.rows)} batches acknowledged")
    print(f"{caught} of {KILLS} kills caught the drain with work to do")
    assert caught, "no kill came amid the drain: the moments are badly chosen"
    assert not list(server.data.glob("dead_letters/*"))
    assert count(server.url) >= sum(book.rows[name] for name in book.acknowledged)
    assert server.stop() == 0


async def one_life(server: Server, book: Book, moments: random.Random, life: int) -> str:
    """Load until the kill; says when that was."""
    clients = Clients(book, SEED, life)
    work = asyncio.create_task(clients.run(server.url))
    delay = moments.uniform(0.0, 0.4)
    after_big = moments.random() < 0.6
    if after_big:  # the drain is about to insert it, or amid that
        await asyncio.wait_for(clients.big_stored.wait(), 120)
    await asyncio.sleep(delay)
    server.kill()
    await work
    return f"{delay * 1000:.0f} ms after {'the big batch' if after_big else 'the first request'}"


async def settle_accounts(server: Server, book: Book, life: int) -> None:
    """The last life: every unanswered keyed request is sent until it is answered."""
    clients = Clients(book, SEED, life)
    await clients.repeat(server.url)
    assert not book.unanswered
