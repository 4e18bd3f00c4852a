"""A store that the first schema has made is brought up to date, with its records in it: embedded, and on a cluster."""

from collections.abc import Sequence
from pathlib import Path

from logyard.ports import Statement, Store
from logyard.store.cluster.schema import local
from logyard.store.embedded import EmbeddedStore
from logyard.store.mapping import COLUMNS
from logyard.store.migrate import migrations
from logyard.testing.clickhouse import Node, Nodes
from logyard.testing.parcels import NOW, ParcelMaker
from tests.cluster.conftest import Opener

_OLD_ROWS = 3
_RECORD = (
    "CREATE TABLE schema_migrations (version UInt32, name String, at DateTime DEFAULT now()) "
    "ENGINE = MergeTree ORDER BY version"
)


def _first_schema(suffix: str) -> Sequence[str]:
    """What Logyard 0.1 would have left after its first migration: a table, its record, and some rows."""
    first = next(migrations())
    columns = "id, timestamp, observed, service, message"
    rows = f"number, fromUnixTimestamp64Nano({NOW}), fromUnixTimestamp64Nano({NOW}), 'old', 'kept'"
    return [
        _RECORD,
        local(first.sql, suffix=suffix, replicated=False),
        f"INSERT INTO schema_migrations (version, name) VALUES (1, '{first.name}')",
        f"INSERT INTO logs{suffix} ({columns}) SELECT {rows} FROM numbers({_OLD_ROWS})",
    ]


def _check(store: Store, parcels: ParcelMaker) -> None:
    store.insert(parcels.parcel([parcels.batch([{"service": "new", "message": "added"}])]))
    found = store.query(Statement(sql="SELECT service, count() FROM logs GROUP BY service ORDER BY service"))
    assert found.rows() == [("new", 1), ("old", _OLD_ROWS)]
    facets = store.query(Statement(sql="SELECT sum(hits) FROM facets WHERE field = 'service' AND value = 'new'"))
    assert facets.rows() == [(1,)]
    assert store.query(Statement(sql=f"SELECT {', '.join(COLUMNS)} FROM logs")).height == _OLD_ROWS + 1


def test_embedded(tmp_path: Path, parcels: ParcelMaker) -> None:
    store = EmbeddedStore(tmp_path / "store")
    for table in ("facets_of_logs", "facets", "keyed_batches", "logs", "schema_migrations"):
        store._execute(f"DROP TABLE {table} SYNC")
    for sql in _first_schema(""):
        store._execute(sql)
    store.close()
    store = EmbeddedStore(tmp_path / "store")
    _check(store, parcels)
    store.close()


def test_cluster(nodes: Nodes, database: str, stores: Opener, parcels: ParcelMaker) -> None:
    """Shard 1 has the old schema and its rows, shard 2 nothing yet; one server is away and comes later."""
    for node in (nodes[0], nodes[1]):
        node.query(f"CREATE DATABASE {database}")
        for sql in _first_schema("_local"):
            node.query(sql, database=database)
    nodes[1].kill()
    try:
        stores(nodes.url(database)).close()
        assert _versions(nodes[0], database) == _known()
    finally:
        nodes[1].start()
    assert _versions(nodes[1], database) == [1]
    _check(stores(nodes.url(database)), parcels)
    assert all(_versions(node, database) == _known() for node in nodes)


def _versions(node: Node, database: str) -> list[int]:
    return [
        int(each) for each in node.query("SELECT version FROM schema_migrations ORDER BY 1", database=database).split()
    ]


def _known() -> list[int]:
    return [step.version for step in migrations()]
