"""The crash test of ``tests/crash`` over a cluster: Logyard and the servers are killed, in turn and together.

``CLUSTER_KILLS`` says how often (3), ``CRASH_SEED`` repeats a run.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.testing.clickhouse import Node, Nodes
from logyard.testing.server import Server, ServerOptions
from tests.cluster.waiting import well
from tests.crash.load import Book, Clients
from tests.crash.stored import differences

KILLS = int(os.environ.get("CLUSTER_KILLS", "3"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

pytestmark = pytest.mark.slow


@pytest.fixture
def server(nodes: Nodes, database: str, tmp_path: Path) -> Iterator[Server]:
    options = ServerOptions(
        settings={"store": nodes.url(database), "wal.segment_seconds": 0.3, "query.settle_seconds": 60}
    )
    with Server(tmp_path / "data", options) as running:
        yield running


def test_acknowledged_records_survive_kills_of_both(nodes: Nodes, server: Server) -> None:
    book, moments = Book(), random.Random(SEED)
    for life in range(KILLS):
        victim = nodes[moments.randrange(4)]
        asyncio.run(_one_life(server, victim, Clients(book, SEED, life), moments.uniform(0.0, 0.4)))
        server.start()
        victim.restore()
    asyncio.run(Clients(book, SEED, KILLS).repeat(server.url))
    well(server.url)
    assert not differences(server.url, book), f"CRASH_SEED={SEED}"
    assert [each for each in book.wrong if not _is_away(each)] == []
    print(f"CRASH_SEED={SEED}: {len(book.acknowledged)} of {len(book.rows)} batches acknowledged")
    assert not list(server.data.glob("dead_letters/*"))


async def _one_life(server: Server, victim: Node, clients: Clients, delay: float) -> None:
    """Load; a replica dies amid it, then Logyard itself."""
    work = asyncio.create_task(clients.run(server.url))
    await asyncio.wait_for(clients.big_stored.wait(), 120)
    victim.kill()
    await asyncio.sleep(delay)  # a moment, not a condition
    server.kill()
    await work


def _is_away(answer: str) -> bool:
    return " is away" in answer
