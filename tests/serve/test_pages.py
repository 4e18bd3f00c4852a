import re

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_need_no_other_host(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_every_link_of_the_landing_page_leads_somewhere(client: httpx.AsyncClient) -> None:
    links = set(re.findall(r'href="(/[^"]*)"', (await client.get("/")).text)) - {"/api/v1/tail"}
    assert links
    for link in links:
        assert (await client.get(link)).status_code == 200, link


async def test_the_description_has_every_route(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    found = {f"{method} {path}" for path, methods in document["paths"].items() for method in methods}
    assert found > {
        "post /logs", "get /logs", "post /logs/batch", "post /ingest", "post /insert/jsonline",
        "get /logs/{service}", "get /api/v1/query", "post /api/v1/query", "get /api/v1/tail",
        "post /select/logsql/query", "get /health", "get /readyz", "get /metrics",
    }  # fmt: skip


async def test_parameters_are_described(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    named = {each["name"] for each in paths["/api/v1/query"]["get"]["parameters"]}
    assert named == {"query", "start", "end", "timeout", "format", "limit"}
    assert [each["in"] for each in paths["/logs/{service}"]["get"]["parameters"]] == ["path", "query"]


async def test_every_described_get_without_a_name_in_its_path_answers(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    plain = [path for path, methods in paths.items() if "get" in methods and "{" not in path and "tail" not in path]
    for path in plain:
        answer = await client.get(path, params={"query": "*", "field": "a", "id": "1"})
        assert answer.status_code in {200, 404}, path


async def test_no_icon(client: httpx.AsyncClient) -> None:
    assert (await client.get("/favicon.ico")).status_code == 204
