"""A pipeline in a real server and in a real ``logyard ship``: changed while running, and what it says of itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from logyard.testing.server import Server, ServerOptions
from logyard.testing.shipper import Shipper
from tests.edge.conftest import wait_until

LEVELS = "/api/v1/admin/levels"
SERVER = """
[[pipeline]]
type = "level_filter"
minimum = "INFO"

[[pipeline]]
type = "tag"
rules = "topics"
otherwise = "general"

[[pipeline]]
type = "redact"
rules = ["all"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("pipeline")
    (home / "logyard.toml").write_text(SERVER)
    with Server(home / "data", ServerOptions(config=home / "logyard.toml")) as running:
        yield running


def stored(server: Server) -> list[str]:
    answer = httpx.get(f"{server.url}/api/v1/query", params={"query": "*", "limit": 1000}).text
    return sorted(json.loads(line)["message"] for line in answer.splitlines())


def send(server: Server, *messages: str, level: str) -> None:
    for message in messages:
        body = {"message": message, "level": level, "service": "shop"}
        httpx.post(f"{server.url}/logs", json=body).raise_for_status()


def test_levels_are_changed_while_it_runs(server: Server) -> None:
    assert httpx.get(server.url + LEVELS).json() == {"steps": {"level_filter": {"minimum": "INFO", "services": {}}}}
    send(server, "hidden", level="debug")
    send(server, "paid by ann@example.org", level="info")
    answer = httpx.put(server.url + LEVELS, json={"minimum": "ERROR", "services": {"shop": "DEBUG"}})
    assert (answer.status_code, answer.json()) == (200, {"minimum": "ERROR", "services": {"shop": "DEBUG"}})
    send(server, "shown", level="debug")
    httpx.put(server.url + LEVELS, json={"minimum": "ERROR"}).raise_for_status()
    send(server, "late", level="info")
    assert stored(server) == ["paid by ***", "shown"]
    told = httpx.get(f"{server.url}/api/v1/metrics").json()["processing"]
    assert told["total_processed"] == 4
    assert told["levels"] == {"INFO": 1, "DEBUG": 1}
    assert told["tags"] == {"payment": 1, "general": 1}
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'logyard_step_dropped_total{step="level_filter"} 2.0' in metrics
    assert 'logyard_processed_by_tag{tag="payment"} 1.0' in metrics


@pytest.mark.parametrize(
    ("parameters", "body", "headers", "says"),
    [
        pytest.param("", b'{"minimum":"loud"}', {}, "400 loud", id="no level"),
        pytest.param("", b"{", {}, "400 truncated", id="no JSON"),
        pytest.param("", b'{"maximum":"INFO"}', {}, "400 maximum", id="another setting"),
        pytest.param("?step=other", b"{}", {}, "404 there are: level_filter", id="no such step"),
        pytest.param("", b"{}", {"Origin": "http://evil.example"}, "400 browsers", id="a browser"),
    ],
)
def test_what_cannot_be_is_refused(
    server: Server, parameters: str, body: bytes, *, headers: dict[str, str], says: str
) -> None:
    before = httpx.get(server.url + LEVELS).json()
    answer = httpx.put(server.url + LEVELS + parameters, content=body, headers=headers)
    status, _, words = says.partition(" ")
    assert answer.status_code == int(status)
    assert words in answer.text
    assert httpx.get(server.url + LEVELS).json() == before


def test_statistics_of_processing_are_written(server: Server, tmp_path: Path) -> None:
    logs, stats = tmp_path / "logs", tmp_path / "processing_stats.json"
    logs.mkdir()
    (logs / "job-execution.log").write_text('2026-01-01 00:00:00,000 - {"job_id":"j1","status":"failed"}\n' * 3)
    config = tmp_path / "ship.toml"
    config.write_text(
        f'[collect]\nprocessing_stats = "{stats}"\nprocessing_stats_seconds = 0.2\n'
        f'[[receivers]]\ntype = "files"\ninclude = ["{logs}/*.log"]\n'
        f'[[outputs]]\ntype = "logyard"\nurl = "{server.url}"\n[[pipeline]]\ninclude = "sidecar"\n'
    )
    with Shipper(tmp_path / "state", ["--config", str(config)]) as shipper:

        def told() -> dict[str, object]:
            found: dict[str, object] = json.loads(stats.read_text()) if stats.exists() else {}
            return found

        wait_until(lambda: told().get("total_processed") == 3, shipper.output)
        assert told()["processing_rate_per_minute"] == 3
        assert told()["active_processors"] == 1
        assert told()["levels"] == {"ERROR": 3}
