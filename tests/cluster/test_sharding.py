"""Where records go: round robin by segment, or by what is in them."""

from collections.abc import Sequence

import pytest

from logyard.ports import Statement
from logyard.store.parcel import FEW_ROWS
from logyard.testing.clickhouse import Nodes
from logyard.testing.parcels import NOW, ParcelMaker
from logyard.types import BatchId, Json
from tests.cluster.conftest import Opener

_SERVICES = 10


def _spread(nodes: Nodes, database: str, what: str) -> list[Sequence[str]]:
    """The different values on each server, sorted."""
    sql = f"SELECT DISTINCT {what} AS value FROM logs_local ORDER BY value"
    return [node.query(sql, database=database).splitlines() for node in nodes]


_KEYS = {"service": "service", "time": "intDiv(toUnixTimestamp(timestamp), 300)"}


@pytest.mark.parametrize("shard_by", _KEYS)
def test_by_what_is_in_them(nodes: Nodes, database: str, stores: Opener, parcels: ParcelMaker, shard_by: str) -> None:
    store = stores(nodes.url(database, more=f"&shard_by={shard_by}"))
    rows = FEW_ROWS
    key = BatchId(b"k" * 16)
    records: list[dict[str, Json]] = [
        {"timestamp": NOW // 10**9 + n % _SERVICES * 300, "service": f"s{n % _SERVICES}"} for n in range(rows)
    ]
    parcel = parcels.parcel([parcels.batch(records, key=key)])
    for _ in range(2):
        store.insert(parcel)
    found = store.query(Statement(sql="SELECT count(), uniqExact(id) FROM logs")).rows()
    receipts = store.known([key])
    assert found == [(rows, rows)]
    assert receipts[key].rows == rows
    one, again, other, too = _spread(nodes, database, _KEYS[shard_by])
    assert one == again
    assert other == too
    assert one
    assert other
    assert not set(one) & set(other)
    assert len(one) + len(other) == _SERVICES


def test_segments_go_round_robin(nodes: Nodes, database: str, stores: Opener, parcels: ParcelMaker) -> None:
    store = stores(nodes.url(database))
    for number in range(12):
        store.insert(parcels.parcel([parcels.batch([{"message": f"{number}"}])], token=f"token-{number}"))
    one, again, other, too = _spread(nodes, database, "message")
    assert one == again
    assert other == too
    assert one
    assert other
    assert len(one) + len(other) == 12
