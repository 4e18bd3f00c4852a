"""Answers that get lost on the way: what was stored is stored once, however often it is sent."""

from collections.abc import Iterator, Sequence

import polars as pl
import pytest

from logyard.errors import BadConfig, StoreFailed
from logyard.ports import Parcel, Statement, Store
from logyard.store.cluster.failures import Away
from logyard.store.cluster.store import ClusterStore
from logyard.store.parcel import FEW_ROWS
from logyard.testing.clickhouse import Nodes
from logyard.testing.parcels import NOW, ParcelMaker
from logyard.types import BatchId
from tests.cluster.conftest import Opener, opened
from tests.cluster.proxy import Proxy


@pytest.fixture
def proxies(nodes: Nodes) -> Iterator[Sequence[Proxy]]:
    made = [Proxy(node.address) for node in nodes]
    yield made
    for proxy in made:
        proxy.__exit__()


@pytest.fixture
def store(nodes: Nodes, database: str, proxies: Sequence[Proxy], stores: Opener) -> ClusterStore:
    return stores(nodes.url(database, hosts=[proxy.address for proxy in proxies]))


def _ask(store: Store, sql: str) -> list[tuple[object, ...]]:
    return store.query(Statement(sql=sql)).rows()


def _insert_until_answered(store: Store, parcel: Parcel) -> None:
    """As the drain does. Where a connection had been used before, the wire itself sends it again."""
    while True:
        try:
            store.insert(parcel)
        except Away:
            continue
        return


@pytest.mark.parametrize("rows", [3, FEW_ROWS], ids=["framed", "lines"])
def test_a_parcel_whose_answers_were_lost_is_stored_once(
    store: ClusterStore, proxies: Sequence[Proxy], parcels: ParcelMaker, rows: int
) -> None:
    key = BatchId(b"k" * 16)
    batch = parcels.batch(
        [{"timestamp": NOW // 10**9 + n % 3 * 86_400, "message": f"m{n}"} for n in range(rows)], key=key
    )
    parcel = parcels.parcel([batch])
    for proxy in proxies:
        proxy.lose(1)
    _insert_until_answered(store, parcel)
    store.insert(parcel)
    assert sum(proxy.lost for proxy in proxies) == 2  # one for each replica of the parcel's shard
    assert _ask(store, "SELECT count(), uniqExact(id) FROM logs") == [(rows, rows)]
    assert _ask(store, "SELECT sum(hits) FROM facets WHERE field = 'service'") == [(rows,)]
    assert store.known([key])[key].rows == rows


def test_a_query_whose_answer_was_lost_is_asked_elsewhere(nodes: Nodes, store: ClusterStore) -> None:
    with store.stream(Statement(sql="SELECT number FROM numbers(3000000)")) as pieces:
        assert pl.concat(pieces).height == 3_000_000
    nodes[3].kill()
    try:
        for _ in range(8):
            assert _ask(store, "SELECT count() FROM logs") == [(0,)]
    finally:
        nodes[3].start()


def test_a_cluster_that_nobody_knows_is_refused(nodes: Nodes) -> None:
    with pytest.raises(StoreFailed, match="knows no cluster 'nowhere'"):
        opened(nodes.url("db").replace("cluster=yard", "cluster=nowhere"))


def test_hosts_in_another_order_are_found_by_themselves(nodes: Nodes, database: str, stores: Opener) -> None:
    store = stores(nodes.url(database, hosts=[node.address for node in reversed(list(nodes))]))
    names = [[sink.name for sink in group] for group in store.sinks()]
    assert names == [["store.s1r1", "store.s1r2"], ["store.s2r1", "store.s2r2"]]


def test_a_wrong_password_is_said_at_the_start(nodes: Nodes) -> None:
    with pytest.raises((StoreFailed, BadConfig), match="Authentication failed") as caught:
        opened(nodes.url("db").replace("s3cret", "wrong"))
    assert "wrong" not in str(caught.value)


def test_a_port_where_nobody_listens_is_said_at_the_start() -> None:
    with pytest.raises(StoreFailed, match=r"no server of the cluster answers: 127.0.0.1:1 is away"):
        opened("clickhouse://127.0.0.1:1/db?cluster=yard")


def test_a_single_server_needs_no_cluster(nodes: Nodes, database: str, stores: Opener, parcels: ParcelMaker) -> None:
    url, _, _ = nodes.url(database, hosts=[nodes[0].address]).partition("?")
    store = stores(url)
    store.insert(parcels.parcel([parcels.batch([{"message": "m"}])]))
    found = _ask(store, "SELECT count() FROM logs")
    tables = nodes[0].query("SHOW TABLES", database=database).split()
    assert found == [(1,)]
    assert tables == ["facets", "facets_of_logs", "keyed_batches", "logs", "schema_migrations"]
