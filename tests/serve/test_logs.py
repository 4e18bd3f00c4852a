import httpx
import pytest

from logyard.language.entry import parse_filter
from logyard.query.search import QueryRequest
from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORD = {"ts": "2026-01-02T03:04:05Z", "app": "shop", "lvl": "warn", "msg": "hello", "user": {"id": 7}}


async def test_a_service_gives_its_last_entries_with_their_own_keys(client: httpx.AsyncClient) -> None:
    await client.post("/logs", json=RECORD)
    answer = (await client.get("/logs/shop")).json()
    assert answer == {"service": "shop", "count": 1, "logs": [RECORD]}


async def test_the_last_ones_oldest_first(client: httpx.AsyncClient) -> None:
    await client.post("/logs", json=[{"service": "a", "n": n} for n in range(5)])
    logs = (await client.get("/logs/a", params={"limit": 2})).json()["logs"]
    assert [each["n"] for each in logs] == [3, 4]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("unknown", "unknown", id="unknown"),
        pytest.param("..%2F..%2Fetc%2Fpasswd", "../../etc/passwd", id="a path, escaped"),
        pytest.param("a//b/", "a//b/", id="slashes"),
        pytest.param("%00", "\0", id="NUL"),
        pytest.param("caf%C3%A9%20%22x%22", 'café "x"', id="blanks, quotes and accents"),
        pytest.param("%FF", "\ufffd", id="no UTF-8"),
        pytest.param("%2e%2e", "..", id="dots"),
        pytest.param("a%3Fb%23c", "a?b#c", id="reserved characters"),
    ],
)
async def test_every_name_is_just_a_name(client: httpx.AsyncClient, server: Web, path: str, name: str) -> None:
    answer = await client.get(f"/logs/{path}")
    assert (answer.status_code, answer.json()) == (200, {"service": name, "count": 0, "logs": []})
    assert server.search.asked == [(name, 100)]


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", "1e3", "٣"])
async def test_a_limit_that_is_no_number_is_refused(client: httpx.AsyncClient, limit: str) -> None:
    answer = await client.get("/logs/a", params={"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["detail"] == f"cannot parse limit from {limit!r}: it should be a whole number"


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        pytest.param({}, "*", id="nothing"),
        pytest.param({"service": "a"}, 'service:="a"', id="service"),
        pytest.param({"service_name": "a"}, 'service:="a"', id="service by its other name"),
        pytest.param({"level": "warn"}, 'level:="warn"', id="level"),
        pytest.param({"keyword": 'a.b "c"'}, r'message:~"(?i)a\\.b\\ \"c\""', id="keyword"),
        pytest.param({"service": "a", "correlation_id": "c"}, 'service:="a" correlation_id:="c"', id="both"),
    ],
)
async def test_conditions_become_a_query(
    client: httpx.AsyncClient, server: Web, parameters: dict[str, str], query: str
) -> None:
    assert (await client.get("/logs", params=parameters)).status_code == 200
    assert server.search.asked == [(QueryRequest(query=query), 100, 0)]


async def test_a_filter_in_logsql_holds_besides(client: httpx.AsyncClient, server: Web) -> None:
    await client.get("/logs", params={"service": "a", "query": "user.id:=7 or stock"})
    wanted = (parse_filter("user.id:=7 or stock", now=0),)
    assert server.search.asked == [(QueryRequest(query='service:="a"', filters=wanted), 100, 0)]


async def test_a_list_takes_no_pipes(client: httpx.AsyncClient) -> None:
    answer = await client.get("/logs", params={"query": "* | limit 1"})
    assert (answer.status_code, answer.json()["title"]) == (400, "Bad query")


async def test_a_range_of_time(client: httpx.AsyncClient, server: Web) -> None:
    await client.get("/api/v1/logs", params={"start_time": "1970-01-01T00:00:01Z", "end_time": "2"})
    assert server.search.asked == [(QueryRequest(start=10**9, end=2 * 10**9), 100, 0)]


async def test_pages(client: httpx.AsyncClient) -> None:
    await client.post("/logs", json=[{"n": n} for n in range(5)])
    second = (await client.get("/logs", params={"limit": 2, "page": 2})).json()
    assert [each["n"] for each in second["logs"]] == [2, 1]
    assert second["pagination"] == {"limit": 2, "offset": 2, "total": 5, "newest": "5"}
    assert second == (await client.get("/logs", params={"limit": 2, "offset": 2})).json()
    assert (await client.get("/logs", params={"page": 0})).status_code == 400


async def test_pages_do_not_shift_while_entries_come_in(client: httpx.AsyncClient) -> None:
    await client.post("/logs", json=[{"n": n} for n in range(4)])
    first = (await client.get("/logs", params={"limit": 2})).json()
    await client.post("/logs", json={"n": 99})
    rest = {"limit": 2, "page": 2, "until": first["pagination"]["newest"]}
    second = (await client.get("/logs", params=rest)).json()
    assert [each["n"] for each in [*first["logs"], *second["logs"]]] == [3, 2, 1, 0]
    assert second["pagination"]["total"] == 4


async def test_pages_end_at_an_id(client: httpx.AsyncClient) -> None:
    assert (await client.get("/logs")).json()["pagination"]["newest"] is None
    assert (await client.get("/logs", params={"until": "nonsense"})).status_code == 400


async def test_one_entry_by_its_id(client: httpx.AsyncClient) -> None:
    await client.post("/logs", json=RECORD)
    assert (await client.get("/api/v1/logs/1")).json() == {"log": RECORD}


@pytest.mark.parametrize("log_id", ["999", "nonsense", "-1", "1e5", "9" * 30, "%00"])
async def test_an_id_that_is_not_there_is_a_404(client: httpx.AsyncClient, log_id: str) -> None:
    answer = await client.get(f"/api/v1/logs/{log_id}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["/logs/stats", "/api/v1/logs/stats"])
async def test_what_is_stored(client: httpx.AsyncClient, path: str) -> None:
    found = (await client.get(path)).json()
    assert (found["total_logs"], found["bytes_on_disk"], found["compression_ratio"]) == (3, 10, 4.5)


async def test_metrics_as_json(client: httpx.AsyncClient) -> None:
    before = (await client.get("/api/v1/metrics")).json()
    await client.post("/logs", content=b'[{"a":1},{"b":2},3]')
    after = (await client.get("/api/v1/metrics")).json()
    names = ("logs_received", "logs_processed", "errors")
    assert [after[name] - before[name] for name in names] == [3, 2, 1]
    assert 0 < after["P50"] <= after["P95"] <= after["P99"]
    assert after["avg_response_time_ms"] > 0
