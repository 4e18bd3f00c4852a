import csv
import io

import httpx
import msgspec
import pytest

from logyard.errors import Backpressure, BadQuery, LogyardError, QueryTimeout, QueryTooLarge, StoreFailed
from logyard.query.search import Facet, FacetLimits, Hits, QueryRequest, Value
from logyard.serve.http.searching import Row
from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/query"
ROWS: list[Row] = [{"id": "1", "timestamp": "t1", "b": 1}, {"id": "2", "timestamp": "t2", "a": [1, "x"], "n": None}]
TIMEOUT = 30.0


def asked(**wishes: object) -> QueryRequest:
    return msgspec.structs.replace(QueryRequest(limit=1000, timeout=TIMEOUT), **wishes)


async def test_rows_are_json_lines(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks = [ROWS[:1], [], ROWS[1:]]
    answer = await client.get(URL)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [msgspec.json.decode(line) for line in answer.content.splitlines()] == ROWS


async def test_rows_as_one_array(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks = [ROWS[:1], [], ROWS[1:]]
    answer = await client.get(URL, params={"format": "json"})
    assert (answer.headers["content-type"], answer.json()) == ("application/json", ROWS)


async def test_rows_as_csv(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks = [ROWS[:1], ROWS[1:]]
    answer = await client.get(URL, params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["id", "timestamp", "a", "b", "n"],
        ["1", "t1", "", "1", ""],
        ["2", "t2", '[1,"x"]', "", ""],
    ]


@pytest.mark.parametrize(("form", "want"), [("ndjson", ""), ("json", "[]\n"), ("csv", "")])
async def test_no_rows(client: httpx.AsyncClient, form: str, want: str) -> None:
    answer = await client.get(URL, params={"format": form})
    assert (answer.status_code, answer.text) == (200, want)


async def test_an_unknown_format_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL, params={"format": "xml"})
    assert answer.status_code == 400
    assert "ndjson, json, csv" in answer.json()["detail"]


@pytest.mark.parametrize("way", ["query string", "form", "JSON body"])
async def test_parameters_come_in_three_ways(client: httpx.AsyncClient, server: Web, way: str) -> None:
    wishes = {"query": "error and x", "limit": "7", "start": "1", "end": "@2", "timeout": "5s"}
    if way == "query string":
        await client.get(URL, params=wishes)
    elif way == "form":
        await client.post(URL, data=wishes)
    else:
        await client.post(URL, json=wishes | {"limit": 7})
    want = asked(query="error and x", limit=7, start=10**9, end=2 * 10**9, timeout=5.0)
    assert server.search.asked == [want]


async def test_the_configured_timeout_is_the_longest(client: httpx.AsyncClient, server: Web) -> None:
    await client.get(URL, params={"timeout": "10h"})
    assert server.search.asked == [asked()]


@pytest.mark.parametrize(
    "wish", [{"start": "soon"}, {"end": "1e99"}, {"limit": "-1"}, {"timeout": "x"}, {"start": "2024-13-01"}]
)
async def test_a_parameter_that_cannot_be_read_is_named(client: httpx.AsyncClient, wish: dict[str, str]) -> None:
    answer = await client.get(URL, params=wish)
    (name,) = wish
    assert answer.status_code == 400
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b'{"query": ', b"[1]", b'{"a":' * 5000])
async def test_a_json_body_that_cannot_be_read_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(URL, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


async def test_too_many_parameters_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post(URL, content=b"a=1&" * 2000)).status_code == 400


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        pytest.param(BadQuery("no such pipe", query="x | y", position=4), 400, id="bad query"),
        pytest.param(QueryTimeout("over query.timeout 30"), 504, id="too long"),
        pytest.param(QueryTooLarge("over query.max_rows_read 5"), 422, id="too large"),
        pytest.param(Backpressure("8 queries run"), 429, id="too many at once"),
        pytest.param(StoreFailed("secret words of the engine"), 500, id="the store failed"),
    ],
)
async def test_an_error_before_the_first_row_is_a_problem(
    client: httpx.AsyncClient, server: Web, failure: LogyardError, status: int
) -> None:
    server.search.failure = failure
    answer = await client.get(URL)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "secret" not in answer.text


async def test_a_bad_query_says_where(client: httpx.AsyncClient, server: Web) -> None:
    server.search.failure = BadQuery("no such pipe", query="x | y", position=4)
    problem = (await client.get(URL)).json()
    assert (problem["detail"], problem["query"], problem["position"]) == ("no such pipe", "x | y", 4)


async def test_a_later_error_ends_json_lines_with_a_marker(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks, server.search.failure = [ROWS], QueryTimeout("over query.timeout 30")
    *rows, last = (await client.get(URL)).content.splitlines()
    assert [msgspec.json.decode(row) for row in rows] == ROWS
    assert msgspec.json.decode(last)["error"]["status"] == 504


async def test_a_later_error_is_the_last_element_of_an_array(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks, server.search.failure = [ROWS], QueryTimeout("over query.timeout 30")
    *rows, last = (await client.get(URL, params={"format": "json"})).json()
    assert (rows, last["error"]["detail"]) == (ROWS, "over query.timeout 30")


async def test_sql(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks = [[{"n": 1}]]
    for name in ("query", "sql"):
        answer = await client.post("/api/v1/sql", data={name: "SELECT 1", "format": "csv"})
        assert answer.text == "n\r\n1\r\n"
    assert server.search.asked == [("SELECT 1", 1000, TIMEOUT)] * 2
    assert (await client.get("/api/v1/sql")).status_code == 400


async def test_hits(client: httpx.AsyncClient, server: Web) -> None:
    server.search.series = [Hits(fields={"level": "INFO"}, timestamps=["t"], values=[3], total=3)]
    answer = await client.get("/api/v1/hits", params={"step": "1m", "field": "level", "fields": "a,b"})
    want = {"fields": {"level": "INFO"}, "timestamps": ["t"], "values": [3], "total": 3}
    assert answer.json() == {"hits": [want]}
    assert server.search.asked == [(asked(limit=None), 60 * 10**9, 0, ("level", "a", "b"), 0)]


@pytest.mark.parametrize(
    ("wishes", "step"),
    [
        pytest.param({"start": "1000", "end": "1100"}, 10**9, id="a hundred buckets of the range"),
        pytest.param({}, 3600 * 10**9, id="hours when the range is open"),
        pytest.param({"start": "5", "end": "5"}, 3600 * 10**9, id="an empty range"),
        pytest.param({"step": "30"}, 30 * 10**9, id="a plain number is seconds"),
    ],
)
async def test_the_width_of_buckets(client: httpx.AsyncClient, server: Web, wishes: dict[str, str], step: int) -> None:
    await client.get("/api/v1/hits", params=wishes)
    ((_, found, *_),) = [each for each in server.search.asked if isinstance(each, tuple)]
    assert found == step


async def test_facets(client: httpx.AsyncClient, server: Web) -> None:
    server.search.fields = [Facet("level", [Value("INFO", 2)])]
    answer = await client.get("/api/v1/facets", params={"limit": 3})
    field = {"field_name": "level", "values": [{"field_value": "INFO", "hits": 2}]}
    assert answer.json() == {"facets": [field]}
    assert server.search.asked == [(asked(limit=None), FacetLimits(limit=3))]


async def test_field_names_and_values(client: httpx.AsyncClient, server: Web) -> None:
    server.search.values = [Value("a", 2)]
    want = {"values": [{"value": "a", "hits": 2}]}
    assert (await client.get("/api/v1/field_names")).json() == want
    assert (await client.get("/api/v1/field_values", params={"field": "x"})).json() == want
    assert (await client.get("/api/v1/field_values")).json()["detail"] == "missing parameter field"


async def test_context(client: httpx.AsyncClient) -> None:
    await client.post("/logs", json=[{"n": n} for n in range(5)])
    answer = (await client.get("/api/v1/context", params={"id": "3", "before": 1, "after": 1})).json()
    assert ([each["n"] for each in answer["logs"]], answer["id"], answer["count"]) == ([1, 2, 3], "3", 3)
    assert (await client.get("/api/v1/context", params={"id": "77"})).status_code == 404
    assert (await client.get("/api/v1/context")).status_code == 400
