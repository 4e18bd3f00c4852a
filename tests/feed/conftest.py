"""What tests of the feeding service share."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import logyard
from logyard.clock import SystemClock
from logyard.feed import YardStorage
from logyard.model.ids import SnowflakeIds
from logyard.testing.clickhouse import Nodes


def until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Return when it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def servers(data: Path) -> list[int]:
    """Processes of servers on this directory or below it; not the shells that guard them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        mine = any(word == str(data).encode() or word.startswith(f"{data}/".encode()) for word in words)
        if mine and b"up" in words and words[0] != b"/bin/sh":
            found.append(int(path.parent.name))
    return found


@pytest.fixture(scope="package")
def ids() -> SnowflakeIds:
    return SnowflakeIds(1, SystemClock())


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YardStorage]:
    """A store in this process; a process has one."""
    client = logyard.open(tmp_path_factory.mktemp("embedded") / "data", {"query": {"settle_seconds": 100}})
    storage = YardStorage(client, SnowflakeIds(1, SystemClock()))
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YardStorage]:
    """A ClickHouse server, behind the part of Logyard that writes to it."""
    directory: Path = tmp_path_factory.mktemp("clickhouse")
    with Nodes(directory, shards=1, replicas=1) as nodes:
        client = logyard.open(directory / "data", {"store": nodes.url("feed"), "query": {"settle_seconds": 100}})
        storage = YardStorage(client, SnowflakeIds(1, SystemClock()))
        yield storage
        storage.close()
