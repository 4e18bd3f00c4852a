import httpx
import pytest

from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_healthy_means_alive(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "service": "logging-service"})
    assert (await client.get("/healthz")).status_code == 200


async def test_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_not_ready_says_what_is_missing(client: httpx.AsyncClient, server: Web) -> None:
    server.missing["drain"] = "has ended"
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, {"drain": "has ended"})


async def test_what_stops_nobody_shows_and_does_not_fail(client: httpx.AsyncClient, server: Web) -> None:
    server.soft["redis"] = "away"
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["degraded"] == {"redis": "away"}


async def test_prometheus(client: httpx.AsyncClient) -> None:
    await client.post("/logs", content=b'{"a":1}')
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "logyard_records_received_total" in answer.text


async def test_metrics_as_json_where_json_is_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == (await client.get("/api/v1/metrics")).json().keys()
