import asyncio

import httpx
import pytest

from logyard.config import Config, HttpConfig
from logyard.testing.web import Web, web

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = {"origin": "https://ui.example"}
PREFLIGHT = {**ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "x-a"}


@pytest.mark.parametrize("path", ["/health", "/logs", "/nothing/here"])
async def test_the_senders_request_id_comes_back(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"x-request-id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"


async def test_a_request_without_id_gets_one_of_its_own(client: httpx.AsyncClient) -> None:
    found = {(await client.get("/health")).headers["x-request-id"] for _ in range(3)}
    assert len(found) == 3


async def test_an_id_that_cannot_be_a_header_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health", headers={"x-request-id": "x" * 129})
    assert answer.headers["x-request-id"] != "x" * 129


async def test_the_problem_names_the_request(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/nothing"), ("POST", "/logs")):
        answer = await client.request(method, path, headers={"x-request-id": "r7"})
        assert answer.json()["request_id"] == "r7"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        pytest.param("PUT", "/logs", "GET, HEAD, OPTIONS, POST", id="taken by a receiver and by a route"),
        pytest.param("GET", "/insert/jsonline", "OPTIONS, POST", id="taken by a receiver"),
        pytest.param("DELETE", "/health", "GET, HEAD, OPTIONS", id="taken by a route"),
        pytest.param("DELETE", "/logs/shop", "GET, HEAD, OPTIONS", id="a path with a name in it"),
    ],
)
async def test_another_method_is_told_what_is_possible(
    client: httpx.AsyncClient, method: str, path: str, allow: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing/here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_browsers_may_call_from_anywhere_by_default(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/nothing"):
        answer = await client.get(path, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in (await client.get("/health")).headers


async def test_a_preflight_request_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.options("/logs", headers=PREFLIGHT)
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "x-a"


async def test_options_without_an_origin_lists_the_methods(client: httpx.AsyncClient) -> None:
    answer = await client.options("/logs")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_no_origins_configured_means_none() -> None:
    async with web(Config(http=HttpConfig(cors_origins=()))) as server, httpx.AsyncClient() as client:
        answer = await client.options(server.url + "/logs", headers=PREFLIGHT)
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_requests_are_timed_by_route(client: httpx.AsyncClient, server: Web) -> None:
    await client.get("/logs/some-service")
    await client.get("/no/such/path")
    await client.post("/logs", content=b"{}")
    text = server.telemetry.prometheus().decode()
    assert 'logyard_http_answered_total{route="/logs/{service}",status="2xx"}' in text
    assert 'logyard_http_answered_total{route="(unmatched)",status="4xx"}' in text
    assert 'logyard_http_answered_seconds_count{route="/logs",status="2xx"}' in text
    assert "some-service" not in text


async def test_a_client_that_goes_away_in_its_body_stores_nothing(client: httpx.AsyncClient, server: Web) -> None:
    for head in (b"content-length: 100", b"transfer-encoding: chunked"):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /logs HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n")
        writer.write(b'9\r\n{"a":123}\r\n' if b"chunked" in head else b'{"a":1}')
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    await client.get("/health")
    assert not server.inlet.submissions
