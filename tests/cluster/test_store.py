"""The cluster keeps the store port's promises, whichever way records are spread."""

import os
from collections.abc import Iterator

import pytest

from logyard.store.cluster.store import ClusterStore
from logyard.testing.clickhouse import Nodes
from logyard.testing.store_suite import StoreSuite
from tests.cluster.conftest import opened

WAYS = ("segment", "service", "time") if os.environ.get("CLUSTER_FULL") else ("segment",)
"""Of spreading records: all of them take minutes."""


@pytest.fixture(scope="class", params=WAYS)
def store(request: pytest.FixtureRequest, nodes: Nodes) -> Iterator[ClusterStore]:
    made = opened(nodes.url(f"by_{request.param}", more=f"&shard_by={request.param}"))
    yield made
    made.close()


class TestClusterStore(StoreSuite):
    """On two shards of two replicas."""
