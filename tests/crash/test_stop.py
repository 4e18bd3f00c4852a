"""SIGTERM: what is under way is done, what is acknowledged is stored, and the exit code says so."""

import asyncio
import time
from pathlib import Path
from typing import Final

import httpx
import pytest

from logyard.testing.server import Server, ServerOptions
from tests.crash.load import Book, Clients, lines
from tests.crash.stored import count, differences

DEADLINE: Final = 40.0
"""Seconds: ten for requests under way, thirty for the drain."""

pytestmark = pytest.mark.slow


def send(server: Server, name: str, rows: int) -> None:
    answer = httpx.post(f"{server.url}/ingest", content="\n".join(lines(name, rows)), timeout=120)
    assert answer.status_code == 200, answer.text


def test_a_graceful_stop_stores_what_waits_in_the_log(tmp_path: Path) -> None:
    options = ServerOptions(settings={"wal.segment_seconds": 3600})
    with Server(tmp_path / "data", options) as server:
        for number in range(4):
            send(server, f"batch{number}", 6_000)
        send(server, "one", 1)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < DEADLINE
        assert not list((server.data / "wal").glob("*.open"))
        assert not list((server.data / "wal").glob("*.sealed"))
        server.start()
        assert count(server.url) == 24_001


def test_a_second_sigterm_does_not_hurt(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        send(server, "batch", 6_000)
        server.terminate()
        server.terminate()
        assert server.wait() == 0
        server.start()
        assert count(server.url) == 6_000


def test_a_graceful_stop_under_load_loses_nothing_acknowledged(tmp_path: Path) -> None:
    book = Book()
    with Server(tmp_path / "data") as server:
        for life in range(3):
            assert asyncio.run(one_life(server, book, life)) == 0
            server.start()
        asyncio.run(Clients(book, 0, 99).repeat(server.url))
        assert not book.unanswered
        assert not differences(server.url, book)
        assert not book.wrong
    assert "Traceback" not in server.output()


async def one_life(server: Server, book: Book, life: int) -> int:
    """Load, and in the middle of it the signal; the exit code."""
    clients = Clients(book, 1, life)
    work = asyncio.create_task(clients.run(server.url))
    await asyncio.wait_for(clients.big_stored.wait(), 120)
    began = time.monotonic()
    server.terminate()
    await work
    code = await asyncio.to_thread(server.wait, DEADLINE)
    assert time.monotonic() - began < DEADLINE
    return code
