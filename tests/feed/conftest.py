"""What tests of the feeding service share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import logyard
from logyard.clock import SystemClock
from logyard.feed import YardStorage
from logyard.model.ids import SnowflakeIds
from logyard.testing.clickhouse import Nodes


@pytest.fixture(scope="package")
def ids() -> SnowflakeIds:
    return SnowflakeIds(1, SystemClock())


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YardStorage]:
    """A store in this process; a process has one."""
    client = logyard.open(tmp_path_factory.mktemp("embedded") / "data")
    storage = YardStorage(client, SnowflakeIds(1, SystemClock()))
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YardStorage]:
    """A ClickHouse server, behind the part of Logyard that writes to it."""
    directory: Path = tmp_path_factory.mktemp("clickhouse")
    with Nodes(directory, shards=1, replicas=1) as nodes:
        client = logyard.open(directory / "data", {"store": nodes.url("feed")})
        storage = YardStorage(client, SnowflakeIds(1, SystemClock()))
        yield storage
        storage.close()
