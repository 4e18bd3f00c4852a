"""Pages of a real list while entries come in from all sides."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from logyard.testing.server import Server

PAGE = 150
FIRST = 400
"""Entries that are there when paging begins; the others come in meanwhile."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("paging")
    with Server(directory / "data") as found:
        yield found


def test_pages_are_stable_while_data_arrives(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as web:
        # Half of them are of the past, so that what comes in lands among them as well as before them.
        logs = [{"service": "shop", "n": n, "timestamp": f"2026-01-01T00:{n % 60:02}:00Z"} for n in range(FIRST // 2)]
        logs += [{"service": "shop", "n": n} for n in range(FIRST // 2, FIRST)]
        assert web.post("/api/v1/logs/batch", json={"logs": logs}).status_code == 201
        with _writers(server, 3):
            for _ in range(3):
                _walk(web)


def _walk(web: httpx.Client) -> None:
    """From the first page to the last: every entry that was there at the beginning once, and no other."""
    first = _page(web, 1)
    total = first["pagination"]["total"]
    seen = [each["id"] for each in first["logs"]]
    last = -(-total // PAGE)
    for number in range(2, last + 1):
        found = _page(web, number, until=first["pagination"]["newest"])
        assert found["pagination"]["total"] == total
        seen += [each["id"] for each in found["logs"]]
    assert len(seen) == len(set(seen)) == total
    assert _page(web, last + 1, until=first["pagination"]["newest"])["logs"] == []


def _page(web: httpx.Client, number: int, **more: str) -> dict[str, Any]:
    asked: dict[str, str | int] = {"service_name": "shop", "limit": PAGE, "page": number, **more}
    found: dict[str, Any] = web.get("/api/v1/logs", params=asked).json()
    return found


class _writers:  # noqa: N801 - reads as what it does
    """So many threads that store entries, of now and of the past, all the while."""

    def __init__(self, server: Server, count: int) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(server,), daemon=True) for _ in range(count)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, server: Server) -> None:
        with httpx.Client(base_url=server.url, timeout=60) as web:
            while not self._stop.is_set():
                old = {"service": "shop", "n": -1, "timestamp": "2026-01-01T00:30:00Z"}
                web.post("/logs", json=[old, {"service": "shop", "n": -2}]).raise_for_status()
                self._stop.wait(0.01)
