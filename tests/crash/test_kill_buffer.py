"""SIGKILL of Logyard under load, and its whole directory is gone: a successor with an empty one has every acknowledged
record, for the log lies in JetStream.
"""

import asyncio
import shutil
import time
from pathlib import Path

import httpx
import pytest

from logyard.testing.nats import NatsCluster
from logyard.testing.server import Server, ServerOptions
from tests.crash.load import Book, Clients
from tests.crash.stored import count, differences

SEED = 7

pytestmark = pytest.mark.slow


class Writers(Clients):
    """No queries: those would have the records stored, and the store goes with the directory."""

    async def run(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            loops = (self._again, self._lines, self._lines, self._singles, self._singles, self._big)
            await asyncio.gather(*(loop(client) for loop in loops))


def server(directory: Path, nats: NatsCluster) -> Server:
    quiet: dict[str, str | int | float] = {"wal.segment_seconds": 3600, "wal.segment_rows": 10_000_000}
    return Server(directory, ServerOptions(settings={"buffer": nats.url("LOGS"), "node": "a", **quiet}))


async def one_life(running: Server, book: Book) -> None:
    """Load until the kill, which comes when a big batch has just been acknowledged."""
    clients = Writers(book, SEED, 0)
    work = asyncio.create_task(clients.run(running.url))
    await asyncio.wait_for(clients.big_stored.wait(), 60)
    running.kill()
    await work


def test_what_was_acknowledged_outlives_the_machine(tmp_path: Path) -> None:
    book = Book()
    with NatsCluster(tmp_path / "nats", nodes=3) as nats:
        with server(tmp_path / "machine-0", nats) as running:
            asyncio.run(one_life(running, book))
        shutil.rmtree(tmp_path / "machine-0")
        with server(tmp_path / "machine-1", nats) as running:
            asyncio.run(Writers(book, SEED, 1).repeat(running.url))
            assert not differences(running.url, book)
            assert not book.wrong
            assert not book.unanswered
            assert count(running.url) >= sum(book.rows[name] for name in book.acknowledged)
            assert httpx.get(f"{running.url}/readyz").json()["degraded"] == {}
            assert running.stop() == 0


def test_without_a_quorum_the_answer_is_503_and_readyz_says_why(tmp_path: Path) -> None:
    with NatsCluster(tmp_path / "nats", nodes=3) as nats:
        settings = {"buffer": nats.url("LOGS", more="&timeout=1"), "node": "a"}
        with Server(tmp_path / "data", ServerOptions(settings=settings)) as running, httpx.Client(timeout=60) as client:
            for node in (0, 1):
                nats.kill(node)
            answer = client.post(f"{running.url}/logs", json={"message": "lost?"})
            assert answer.status_code == 503
            assert "retry-after" in answer.headers
            assert client.get(f"{running.url}/readyz").json()["degraded"].keys() == {"buffer"}
            assert count(running.url) == 0, "queries are answered all the same"
            for node in (0, 1):
                nats.start(node)
            nats.wait_ready()
            deadline = time.monotonic() + 60
            while not client.post(f"{running.url}/logs", json={"message": "kept"}).is_success:
                assert time.monotonic() < deadline
            assert count(running.url, "kept") == 1
            assert count(running.url, "lost") == 0
            assert client.get(f"{running.url}/readyz").json()["degraded"] == {}
