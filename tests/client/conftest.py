"""One server and one opened store for all tests of the client; each test keeps to a service of its own."""

import uuid
from collections.abc import Iterator

import pytest

import logyard
from logyard.client import Client
from logyard.testing.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("client") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with logyard.open(tmp_path_factory.mktemp("opened") / "data", {"query": {"settle_seconds": 100}}) as found:
        yield found


@pytest.fixture(params=["server", "opened"])
def logs(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The same client, to a server of its own and to a store in this process."""
    if request.param == "opened":
        yield request.getfixturevalue("opened")
        return
    with Client(request.getfixturevalue("server").url) as client:
        yield client


@pytest.fixture
def service() -> str:
    return f"service-{uuid.uuid4()}"
