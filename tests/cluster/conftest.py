"""Four real servers, two shards of two replicas; every test module has a database of its own on them."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from logyard.store.cluster.pinning import Change
from logyard.store.cluster.store import ClusterStore
from logyard.store.cluster.url import parse
from logyard.testing.clickhouse import Nodes
from logyard.testing.parcels import ParcelMaker

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with Nodes(tmp_path_factory.mktemp("clickhouse"), shards=2, replicas=2) as started:
        yield started


@pytest.fixture
def database() -> str:
    """A name that no test before had."""
    return f"test_{next(_numbers)}"


@pytest.fixture
def parcels(tmp_path: Path) -> ParcelMaker:
    return ParcelMaker(tmp_path)


def opened(url: str) -> ClusterStore:
    return ClusterStore(parse(url), lambda shards: [Change(0, shards)])


Opener = Callable[[str], ClusterStore]


@pytest.fixture
def stores() -> Iterator[Opener]:
    """Opens stores, and closes them at the end of the test."""
    with ExitStack() as stack:

        def opener(url: str) -> ClusterStore:
            store = opened(url)
            stack.callback(store.close)
            return store

        yield opener
