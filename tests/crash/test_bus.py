"""Two real Logyards on one bus: a tail on the one shows what the other accepts, and answers say how far it may lag."""

import time
from pathlib import Path

import httpx
import msgspec
import pytest

from logyard.testing.redis import RedisServer
from logyard.testing.server import Server, ServerOptions

pytestmark = pytest.mark.slow


def server(directory: Path, bus: str, machine: int) -> Server:
    return Server(directory, ServerOptions(settings={"bus": bus, "ingest.machine": machine}))


def test_a_tail_on_one_node_shows_the_records_of_the_other(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as redis,
        server(tmp_path / "a", redis.url, 1) as a,
        server(tmp_path / "b", redis.url, 2) as b,
        httpx.Client(timeout=60) as client,
    ):
        lag = ""
        deadline = time.monotonic() + 60
        while not lag and time.monotonic() < deadline:  # until the nodes have met
            lag = client.get(f"{b.url}/api/v1/query").headers.get("logyard-nodes-lag", "")
        assert lag.startswith("node-1;seconds=")
        with client.stream("GET", f"{b.url}/api/v1/tail", params={"query": "hello", "format": "ndjson"}) as tail:
            rows = tail.iter_lines()
            answer = client.post(f"{a.url}/logs", json={"message": "hello from the other node"})
            row = msgspec.json.decode(next(line for line in rows if line))
            assert row["message"] == "hello from the other node"
            assert row["id"] == answer.json()["log_id"]
        assert client.get(f"{a.url}/readyz").json()["degraded"] == {}
        redis.kill()
        assert client.post(f"{a.url}/logs", json={"message": "without a bus"}).status_code == 201
        assert client.get(f"{a.url}/healthz").is_success
