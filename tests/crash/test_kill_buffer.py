"""SIGKILL of Logyard under load, and its whole directory is gone: a successor with an empty one has every acknowledged
record, for the log lies in JetStream.
"""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from logyard.testing.nats import NatsCluster
from logyard.testing.server import Server, ServerOptions
from tests.crash.load import Book, Clients
from tests.crash.stored import count, differences
from tests.faults.test_disk_full import wait_until

SEED = 7

pytestmark = pytest.mark.slow


def degraded(running: Server) -> dict[str, str]:
    found: dict[str, str] = httpx.get(f"{running.url}/readyz").json()["degraded"]
    return found


class Writers(Clients):
    """No queries: those would have the records stored, and the store goes with the directory."""

    async def run(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            loops = (self._again, self._lines, self._lines, self._singles, self._singles, self._big)
            await asyncio.gather(*(loop(client) for loop in loops))


def server(directory: Path, nats: NatsCluster) -> Server:
    quiet: dict[str, str | int | float] = {"wal.segment_seconds": 3600, "wal.segment_rows": 10_000_000}
    return Server(directory, ServerOptions(settings={"buffer": nats.url("LOGS"), "node": "a", **quiet}))


async def one_life(running: Server, book: Book) -> None:
    """Load until the kill, which comes when a big batch has just been acknowledged."""
    clients = Writers(book, SEED, 0)
    work = asyncio.create_task(clients.run(running.url))
    await asyncio.wait_for(clients.big_stored.wait(), 120)
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
            wait_until(lambda: degraded(running) == {}, "the buffer is well")
            assert running.stop() == 0


def test_without_a_quorum_the_answer_is_503_and_readyz_says_why(tmp_path: Path) -> None:
    with NatsCluster(tmp_path / "nats", nodes=3) as nats:
        settings = {"buffer": nats.url("LOGS", more="&timeout=1"), "node": "a"}
        with (
            Server(tmp_path / "data", ServerOptions(settings=settings)) as running,
            httpx.Client() as client,
        ):
            for node in (0, 1):
                nats.kill(node)
            answer = client.post(f"{running.url}/logs", json={"message": "lost?"})
            assert answer.status_code == 503
            assert "retry-after" in answer.headers
            wait_until(lambda: degraded(running).keys() == {"buffer"}, "the buffer is missed")
            assert count(running.url) == 0, "queries are answered all the same"
            for node in (0, 1):
                nats.start(node)
            nats.wait_ready()
            kept = {"message": "kept"}
            wait_until(lambda: client.post(f"{running.url}/logs", json=kept).is_success, "the buffer takes again")
            assert count(running.url, "kept") == 1
            assert count(running.url, "lost") == 0
            wait_until(lambda: degraded(running) == {}, "the buffer is well")
