"""A real server for all tests of a file, and what it has stored."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logyard.testing.server import Server, ServerOptions
from tests.crash.stored import sql


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A machine that does many things at once may take its time to make found what was acknowledged.
    options = ServerOptions(settings={"wal.segment_seconds": 0.3, "query.settle_seconds": 60})
    with Server(tmp_path_factory.mktemp("server") / "data", options) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "logs"
    path.mkdir()
    return path


def stored(server: Server, home: Path) -> dict[str, int]:
    """How often each message of the files under ``home`` is stored."""
    rows = sql(
        server.url, f"SELECT message, count() AS n FROM logs WHERE startsWith(source, '{home}') GROUP BY message"
    )
    return {row["message"]: int(row["n"]) for row in rows}


def wait_until(condition: Callable[[], bool], what: Callable[[], str], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what()}"
        time.sleep(0.1)
