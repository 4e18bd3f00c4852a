"""A store with records in it, and a search over it: one engine for all tests of a worker."""

import gzip
import os
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import polars as pl
import pytest

from logyard.config import QueryConfig
from logyard.formats.json.frame import frame
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.ports import Parcel, Store
from logyard.query.budget import Budget
from logyard.query.search import Search
from logyard.store.cluster.pinning import Change
from logyard.store.cluster.store import ClusterStore
from logyard.store.cluster.url import parse
from logyard.store.embedded import EmbeddedStore
from logyard.testing.clickhouse import Nodes
from logyard.testing.clock import ManualClock
from logyard.types import BatchId, LogId, Nanoseconds, Tenant

NOW = 1_741_998_600_000_000_000
"""2025-03-15T00:30:00Z, the end of the recorded data."""
ORACLE = "oracle"
"""Tenant of the recorded data; the small data of single tests have tenants of their own."""

Records = Sequence[dict[str, object]]
Filler = Callable[[str, Records], None]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The embedded store; with ``QUERY_STORE=cluster`` two shards, and every parcel's records on both."""
    directory = tmp_path_factory.mktemp("store")
    if os.environ.get("QUERY_STORE") != "cluster":
        opened = EmbeddedStore(directory / "engine")
        yield opened
        opened.close()
        return
    with Nodes(directory, shards=2) as nodes:
        cluster = ClusterStore(parse(nodes.url("queries", more="&shard_by=time")), lambda shards: [Change(0, shards)])
        yield cluster
        cluster.close()


@pytest.fixture(scope="module")
def fill(store: Store) -> Filler:
    """Stores records under a tenant, once."""
    done: set[str] = set()

    def put(tenant: str, records: Records) -> None:
        if tenant in done:
            return
        done.add(tenant)
        lines = b"\n".join(msgspec.json.encode(record) for record in records)
        insert(store, tenant, Encoded(lines=lines, rows=len(records)))

    return put


@pytest.fixture(scope="module")
def keep(store: Store) -> Callable[[str, pl.DataFrame], None]:
    """Stores a frame under a tenant."""
    return lambda tenant, held: insert(store, tenant, held)


def insert(store: Store, tenant: str, body: Encoded | pl.DataFrame) -> None:
    rows = body.rows if isinstance(body, Encoded) else body.height
    held = frame(body, Nanoseconds(NOW)) if isinstance(body, Encoded) else body
    number = zlib.crc32(tenant.encode())
    batch = Batch(
        id=BatchId(number.to_bytes(16, "big")),
        first=LogId((1_741_990_000_000 << 22) + (number % 1000 << 12)),
        received=Nanoseconds(NOW),
        body=held,
        tenant=Tenant(tenant),
    )
    assert batch.rows == rows
    store.insert(Parcel(token=f"{tenant}-{number}", path=Path("/nonexistent"), batches=[batch]))


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Path:
    found = request.config.rootpath.parent / "shared"
    if not found.is_dir():
        pytest.skip("the recorded answers of VictoriaLogs (../shared) are not here")
    return found


@pytest.fixture(scope="module")
def oracle(store: Store, shared: Path) -> Path:
    """The recorded data is stored; the folder of the recorded answers."""
    folder = shared / "data" / "oracle" / "logsql"
    lines = gzip.decompress((folder / "dataset.ndjson.gz").read_bytes()).strip()
    reading = Reading(message=("message",), timestamp=("timestamp",), stream_fields=("service", "host"))
    insert(store, ORACLE, Encoded(lines=lines, rows=lines.count(b"\n") + 1, reading=reading))
    return folder


@pytest.fixture
async def search(store: Store) -> AsyncIterator[Search]:
    async def settled() -> None:
        return None

    made = Search(
        store,
        settle=settled,
        budget=Budget(QueryConfig()),
        clock=ManualClock(NOW),
        show_id=str,
    )
    yield made
    made.close()
