import httpx
import msgspec
import pytest

from logyard.errors import BadQuery, QueryTimeout
from logyard.model.dialect import Dialect
from logyard.query.parse import parse_query
from logyard.query.search import Facet, FacetLimits, Hits, QueryRequest, Value
from logyard.serve.http.searching import Row
from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = "/select/logsql/"
ROWS: list[Row] = [{"_time": "t", "_msg": "hello"}, {"_time": "u", "_msg": "there"}]


def asked(**wishes: object) -> QueryRequest:
    return msgspec.structs.replace(QueryRequest(dialect=Dialect.VICTORIA, timeout=30.0), **wishes)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_rows(client: httpx.AsyncClient, server: Web, method: str) -> None:
    server.search.chunks = [ROWS]
    wishes = {"query": "hello", "limit": "5"}
    if method == "GET":
        answer = await client.get(f"{ROOT}query", params=wishes)
    else:
        answer = await client.post(f"{ROOT}query", data=wishes)
    assert answer.headers["content-type"] == "application/stream+json"
    assert [msgspec.json.decode(line) for line in answer.content.splitlines()] == ROWS
    assert server.search.asked == [asked(query="hello", limit=5)]


async def test_without_a_limit_there_is_none(client: httpx.AsyncClient, server: Web) -> None:
    await client.get(f"{ROOT}query", params={"query": "*", "start": "5", "end": "6"})
    assert server.search.asked == [asked(start=5 * 10**9, end=6 * 10**9)]


async def test_errors_are_plain_text(client: httpx.AsyncClient, server: Web) -> None:
    answer = await client.get(f"{ROOT}query")
    assert (answer.status_code, answer.text) == (400, "missing parameter query\n")
    assert answer.headers["content-type"].startswith("text/plain")
    server.search.failure = BadQuery("no such pipe", query="a | b", position=4)
    for name in ("query", "hits", "field_names"):
        answer = await client.get(ROOT + name, params={"query": "a | b"})
        assert (answer.status_code, answer.text) == (400, "no such pipe\n")


async def test_an_error_behind_rows_is_a_last_line(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks, server.search.failure = [ROWS], QueryTimeout("too long")
    answer = await client.get(f"{ROOT}query", params={"query": "*"})
    assert b'"error"' in answer.content.splitlines()[-1]


@pytest.mark.parametrize(
    ("given", "logsql"),
    [
        pytest.param("level:error", "level:error", id="LogsQL"),
        pytest.param('{"a":"b"}', 'a:in("b")', id="one value"),
        pytest.param('{"a":["b","c d"],"e":"f"}', 'a:in(b,"c d") e:in(f)', id="several"),
    ],
)
async def test_extra_filters(client: httpx.AsyncClient, server: Web, given: str, logsql: str) -> None:
    for name in ("extra_filters", "extra_stream_filters"):
        server.search.asked.clear()
        await client.get(f"{ROOT}query", params={"query": "*", name: given})
        assert server.search.asked == [asked(filters=(parse_query(logsql, now=0).filter,))]


@pytest.mark.parametrize("given", ["a |", "* | limit 1", '{"a":5}', "("])
async def test_extra_filters_that_cannot_be_read(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get(f"{ROOT}query", params={"query": "*", "extra_filters": given})
    assert answer.status_code == 400


async def test_hits(client: httpx.AsyncClient, server: Web) -> None:
    server.search.series = [Hits(fields={}, timestamps=["t"], values=[3], total=3)]
    wishes = {"query": "*", "step": "1h", "offset": "-30m", "field": ["a", "b"], "fields_limit": "2"}
    answer = await client.get(f"{ROOT}hits", params=wishes)
    assert answer.json() == {"hits": [{"fields": {}, "timestamps": ["t"], "values": [3], "total": 3}]}
    hour = 3600 * 10**9
    assert server.search.asked == [(asked(), hour, -hour // 2, ("a", "b"), 2)]


async def test_hits_by_day_unless_told(client: httpx.AsyncClient, server: Web) -> None:
    await client.get(f"{ROOT}hits", params={"query": "*"})
    assert server.search.asked == [(asked(), 86_400 * 10**9, 0, (), 0)]


async def test_facets(client: httpx.AsyncClient, server: Web) -> None:
    server.search.fields = [Facet("level", [Value("INFO", 2)])]
    wishes = {"query": "*", "limit": "3", "max_values_per_field": "9", "keep_const_fields": "1"}
    answer = await client.get(f"{ROOT}facets", params=wishes)
    values = [{"field_value": "INFO", "hits": 2}]
    assert answer.json() == {"facets": [{"field_name": "level", "values": values}]}
    assert server.search.asked == [(asked(), FacetLimits(limit=3, max_values=9, keep_const=True))]


@pytest.mark.parametrize(
    ("name", "wishes"),
    [
        ("field_names", {}),
        ("field_values", {"field": "a"}),
        ("streams", {}),
        ("stream_field_names", {}),
        ("stream_field_values", {"field": "a"}),
    ],
)
async def test_values(client: httpx.AsyncClient, server: Web, name: str, wishes: dict[str, str]) -> None:
    server.search.values = [Value("x", 2)]
    answer = await client.post(ROOT + name, data={"query": "*", **wishes})
    assert answer.json() == {"values": [{"value": "x", "hits": 2}]}
    if wishes:
        assert (await client.post(ROOT + name, data={"query": "*"})).status_code == 400


@pytest.mark.parametrize(("name", "kind"), [("stats_query", "vector"), ("stats_query_range", "matrix")])
async def test_stats(client: httpx.AsyncClient, server: Web, name: str, kind: str) -> None:
    server.search.metrics = [{"metric": {"__name__": "n"}, "value": [1, "2"]}]
    answer = await client.get(ROOT + name, params={"query": "* | count() n"})
    data = {"resultType": kind, "result": server.search.metrics}
    assert answer.json() == {"status": "success", "data": data}


async def test_stats_at_an_instant(client: httpx.AsyncClient, server: Web) -> None:
    await client.get(f"{ROOT}stats_query", params={"query": "* | count()", "time": "5"})
    assert server.search.asked == [asked(query="* | count()", now=5 * 10**9)]
