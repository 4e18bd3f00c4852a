"""``logyard move`` onto a cluster by its URL alone, and back: every record, verified on both sides."""

from pathlib import Path

import httpx
import msgspec

from logyard.cli.main import run
from logyard.ports import Statement
from logyard.testing.clickhouse import Nodes
from logyard.testing.server import Server
from tests.cluster.conftest import Opener

ROWS = 3000
KEY = {"Idempotency-Key": "before-the-move"}


def lines() -> bytes:
    """Records of three days and ten services, with attributes of several types."""
    records = (
        {"ts": 1_790_000_000 + 80 * row, "service": f"s{row % 10}", "msg": f"m{row}", "n": row, "deep": {"s": str(row)}}
        for row in range(ROWS)
    )
    return b"\n".join(map(msgspec.json.encode, records))


def test_there_and_back(nodes: Nodes, database: str, stores: Opener, tmp_path: Path) -> None:
    cluster = nodes.url(database, more="&shard_by=service")
    with Server(tmp_path / "data") as server:
        assert httpx.post(f"{server.url}/ingest", content=lines(), headers=KEY, timeout=60).status_code == 200
        there = ["--from", server.url, "--to", cluster, "--journal", str(tmp_path / "there"), "-q"]
        assert run(["move", *there]) == 0
        assert run(["move", *there]) == 0, "again: nothing is stored twice"
    asked = Statement(sql="SELECT count(), uniqExact(id), sum(toInt64(attributes['n'])) FROM logs")
    want = (ROWS, ROWS, ROWS * (ROWS - 1) // 2)
    assert stores(cluster).query(asked).rows() == [want]
    back = ["--from", cluster, "--to", str(tmp_path / "back"), "--journal", str(tmp_path / "j"), "-q"]
    assert run(["move", *back]) == 0
    with Server(tmp_path / "back") as server:
        counted = httpx.get(f"{server.url}/api/v1/query", params={"query": "* | stats count() n"}, timeout=60).json()
        assert counted == {"n": ROWS}
        again = httpx.post(f"{server.url}/ingest", content=lines(), headers=KEY, timeout=60)
        assert again.headers["idempotency-replayed"] == "true", "the keys went along"
