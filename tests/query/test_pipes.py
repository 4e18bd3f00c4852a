"""A pipe gives the same rows in the engine and in memory, and what it gives is what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from logyard.model.dialect import Dialect
from logyard.query.pipes.filter import FilterPipe
from logyard.query.plan import Plan, base_stage
from logyard.query.rows import Row
from logyard.query.search import QueryRequest, Search

Record = dict[str, object]
Filler = Callable[[str, Sequence[Record]], None]
TENANT = "pipes"
RECORDS: Sequence[Record] = [
    {
        "timestamp": f"2025-03-14T10:{index:02}:00Z",
        "message": f'GET /item/{index % 4} took {index * 7}ms "{"ok" if index % 3 else "not ok"}" id={index}',
        "level": ("info", "warn", "error", "")[index % 4],
        "service": ("api", "web", "db")[index % 3],
        "host": f"node-{index % 11}",
        "http": {"status": (200, 404, 500)[index % 3], "bytes": index * 100},
        "latency": ("7ms", "1.5s", "90us", "n/a")[index % 4],
        "version": ("1.2.3", "1.10.0", "v3", "")[index % 4],
        "ip": f"10.{index % 3}.0.{index}",
        "payload": f'{{"a":{index},"b":{{"c":"x{index % 2}"}},"d":[1,2],"e":null,"f":""}}' if index % 2 else "none",
        **({"rare": True} if index == 5 else {}),
    }
    for index in range(30)
]
HIDDEN = {"id", "_stream_id"}

QUERIES = [
    "fields level, http.status, nothing",
    "fields http.*, level",
    "fields http.* | fields http.s*, h*",
    "delete message, _msg, http.*",
    "delete * | fields a",
    "rename level as severity_text, http.status as status | fields severity_text, status, level",
    "rename level as a, a as b | fields a, b, level",
    "copy level as a, a as b | delete level | fields a, b, level",
    "copy http.status as s | filter s:404 | fields s, http.status",
    "filter http.status:>=404 latency:<1s | fields latency, http.status",
    "level:error | fields level",
    "sort by (http.bytes desc) limit 3 | fields http.bytes",
    "sort by (version, latency, http.bytes) | fields version, latency, http.bytes",
    "sort by (latency desc, host, http.bytes) offset 3 limit 5 | fields latency, host",
    "sort by (http.bytes) partition by (service) limit 2 rank as r | fields r, service, http.bytes",
    "sort by (http.bytes) rank | fields rank, http.bytes",
    "first 2 by (http.bytes desc) partition by (service) | fields service, http.bytes",
    "last 3 by (http.bytes) | fields http.bytes",
    "sort by (http.bytes) | limit 10 | offset 3 | limit 4 | fields http.bytes",
    "sort by (http.bytes) limit 5 | filter http.bytes:>200 | fields http.bytes",
    "sort by (http.bytes) limit 5 | sort by (http.bytes desc) limit 2 | fields http.bytes",
    "limit 0",
    "uniq by (level)",
    "uniq by (service, http.status) with hits | sort by (service, http.status)",
    "uniq by (nothing) hits",
    "uniq by (hits) hits",
    "uniq by (service) | count()",
    "top 2 by (host)",
    "top 3 by (level, service) hits as n rank as place",
    "top 5 by (host) rank | filter rank:>3",
    "stats count()",
    "stats by (level) count() as n, count(rare) as rares, count_empty(version) as none | sort by (n, level)",
    "stats by (_time:10m) count() as n, max(_time) as last",
    "stats by (_time:hour offset 30m, service) count() as n",
    "stats by (http.bytes:1KB, ip:/16) count() as n",
    "stats by (http.bytes:700 offset 100) count() as n, sum(http.bytes) as s",
    "stats sum(http.bytes, latency) as s, avg(http.bytes) as a, sum(nothing) as n, avg(version) as v",
    "stats min(latency) as a, max(latency) as b, min(version) as c, max(version, latency) as d, min(nothing) as e",
    "stats by (service) median(http.bytes) as m, quantile(0.9, http.bytes) as q, quantile(1, latency) as r",
    "stats count_uniq(service) as a, count_uniq(service, level) as b, count_uniq(nothing) as c",
    "stats by (service) uniq_values(level) as v, uniq_values(host) limit 2 as h, sum_len(level, service) as l",
    "stats count() if (level:error) as errors, max(http.bytes) if (latency:>100ms) as slow",
    "stats count() if (nothing) as none, count_uniq(host) limit 3 as d",
    "nothing:here | stats count() as n, sum(a) as s, max(a) as m, median(a) as q, uniq_values(a) as u",
    "stats by (service) count() as n | filter n:>5 | rename n as m | sort by (m desc, service) | limit 2",
    "by (service) count() n | by (n) count() m",
    "field_values level",
    "field_values http.status limit 2 | count()",
    "field_names | sort by (name)",
    "facets 3",
    "facets 2 max_values_per_field 4 max_value_len 8 keep_const_fields",
    'extract "took <ms>ms <result> id=<id>" from message | fields ms, result, id | sort by (id)',
    'extract "took <ms>ms" | stats by (service) sum(ms) as s',
    'extract if (level:error) "GET <path> " keep_original_fields | stats by (path) count() as n',
    'extract "a\\":<a>,\\"b\\":{<plain:b>}" from payload | fields a, b | sort by (a)',
    "extract 'ms <q> id' | uniq by (q) hits",
    "extract 'ms <plain:q> id' skip_empty_results | uniq by (q) hits",
    "extract 'item/<_> took <version>ms' keep_original_fields | stats by (version) count() n",
    "extract 'nowhere<a>' | extract '<b>T' from _time | uniq by (a, b)",
    "extract 'GET <a>' | filter a:ok | sort by (a) limit 2 | fields a",
    "unpack_json from payload | fields a, b.c, d, e, f | sort by (a)",
    "unpack_json from payload fields (a, b*) result_prefix p. | stats by (p.b.c) max(p.a) as m",
]


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.VICTORIA])
@pytest.mark.parametrize("pipes", QUERIES)
async def test_engine_and_memory_agree(search: Search, fill: Filler, pipes: str, dialect: Dialect) -> None:
    fill(TENANT, RECORDS)
    pipes = pipes if dialect is Dialect.NATIVE else pipes.replace(" message", " _msg")
    text = pipes if pipes.partition(" ")[0].count(":") else f"* | {pipes}"
    request = QueryRequest(query=text, dialect=dialect, tenant=TENANT)
    query = await search.resolved(search.read(request), request)
    engine = await search.all_rows(query, request)
    base = replace(base_stage(request.scope()), order=("id",))
    made = Plan(base, (FilterPipe(query.filter), *query.pipes))
    memory = [row async for chunk in search.run(made, request) for row in chunk]
    assert texts(engine, ordered="sort" in pipes) == texts(memory, ordered="sort" in pipes)


def texts(rows: Sequence[Row], *, ordered: bool) -> list[list[tuple[str, str]]]:
    """Rows in memory are texts; which of equal ones comes first is nobody's business."""
    found = [
        sorted((name, shown(value)) for name, value in row.items() if name not in HIDDEN and value != "")
        for row in rows
    ]
    return list(found) if ordered else sorted(found)


def shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace(" ", "") if isinstance(value, list) else str(value)
