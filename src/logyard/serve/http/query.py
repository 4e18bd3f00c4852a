"""The native query API under ``/api/v1``. Parameters by query string, form or JSON body; see ``params``."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from litestar import HttpMethod, get, route
from litestar.handlers import HTTPRouteHandler

from logyard.errors import NotFound
from logyard.model.dialect import Dialect
from logyard.query.search import FacetLimits, QueryRequest
from logyard.serve.http.openapi import documented
from logyard.serve.http.params import Parameters, WebRequest, read_parameters
from logyard.serve.http.rows_out import Chunks, encoded, row_format
from logyard.serve.http.searching import Row, facets_shown
from logyard.serve.http.services import Services
from logyard.serve.http.streamed import Streamed

__all__ = ["routes"]

_GET_OR_POST: Final = [HttpMethod.GET, HttpMethod.POST]
_DEFAULT_LIMIT: Final = 1000
_MOST: Final = 10_000_000
_RANGE: Final = {
    "query": "LogsQL; everything by default",
    "start": "not before: RFC 3339, Unix time, or a duration like 1h",
    "end": "before",
    "timeout": "at most so long, like 5s",
}
_FORMAT: Final = {"format": "ndjson (default), json or csv"}
_STEPS_WANTED: Final = 100
_HOUR: Final = 3_600_000_000_000

Answer = Mapping[str, object]


def routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """The handlers."""
    return [*_row_routes(services), *_time_routes(services), *_field_routes(services), _context(services)]


def _row_routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """Those that stream rows."""

    @route(
        "/api/v1/query",
        http_method=_GET_OR_POST,
        status_code=200,
        opt=documented(**_RANGE, **_FORMAT, limit="at most so many rows (1000), the newest"),
        summary="Entries, or whatever the query's pipes make of them",
    )
    async def query(request: WebRequest) -> Streamed:
        given = await read_parameters(request, services.clock)
        asked = _request(given, services, limit=given.count("limit", _DEFAULT_LIMIT, _MOST))
        return await _streamed(services.search.rows(asked), given, services)

    @route(
        "/api/v1/sql",
        http_method=_GET_OR_POST,
        status_code=200,
        opt=documented(query="one read-only statement", limit="at most so many rows (1000)", **_FORMAT),
        summary="Read-only SQL",
    )
    async def sql(request: WebRequest) -> Streamed:
        given = await read_parameters(request, services.clock)
        limit = given.count("limit", _DEFAULT_LIMIT, _MOST)
        longest = given.seconds("timeout", services.config.query.timeout)
        rows = await services.search.sql(given.needed("query", "sql"), limit=limit, timeout=longest)
        return await _streamed(_at_once(rows), given, services)

    return [query, sql]


def _time_routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """Counts by time, and the most frequent values."""

    @route(
        "/api/v1/hits",
        http_method=_GET_OR_POST,
        status_code=200,
        opt=documented(
            **_RANGE, step="width of a bucket, like 1m", field="also by this field", fields="by several: a,b"
        ),
        summary="How many entries, by time",
    )
    async def hits(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        asked = _request(given, services)
        fields = (*given.all("field"), *given.list("fields"))
        return {"hits": await services.search.hits(asked, step=_step(given, asked), fields=fields)}

    @route(
        "/api/v1/facets",
        http_method=_GET_OR_POST,
        status_code=200,
        opt=documented(**_RANGE, limit="values of each field (10)", max_values="leave out fields with more values"),
        summary="The most frequent values of each field",
    )
    async def facets(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        limits = FacetLimits(limit=given.count("limit", 10, 1000), max_values=given.count("max_values", 1000, 100_000))
        found = await services.search.facets(_request(given, services), limits)
        return {"facets": facets_shown(found)}

    return [hits, facets]


def _field_routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """Which fields there are, and what is in one."""

    @route(
        "/api/v1/field_names",
        http_method=_GET_OR_POST,
        status_code=200,
        opt=documented(**_RANGE),
        summary="Which fields there are",
    )
    async def field_names(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        return {"values": await services.search.field_names(_request(given, services))}

    @route(
        "/api/v1/field_values",
        http_method=_GET_OR_POST,
        status_code=200,
        opt=documented(**_RANGE, field="the field", limit="at most so many (100)"),
        summary="The most frequent values of one field",
    )
    async def field_values(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        field, limit = given.needed("field"), given.count("limit", 100, 100_000)
        return {"values": await services.search.field_values(_request(given, services), field, limit)}

    return [field_names, field_values]


def _context(services: Services) -> HTTPRouteHandler:
    @get(
        "/api/v1/context",
        opt=documented(id="the entry's id", before="so many before it (10)", after="so many after it (10)"),
        summary="What came around an entry, in the same stream, oldest first",
    )
    async def context(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        log_id = services.ids.parse(given.needed("id"))
        before, after = given.count("before", 10, 1000), given.count("after", 10, 1000)
        rows = await services.search.context(log_id, before=before, after=after)
        if not rows:
            raise NotFound(f"there is no log {given.text('id')!r}")
        return {"id": given.text("id"), "count": len(rows), "logs": rows}

    return context


def _request(given: Parameters, services: Services, *, limit: int | None = None) -> QueryRequest:
    return QueryRequest(
        query=given.text("query") or "*",
        start=given.time("start"),
        end=given.time("end"),
        limit=limit,
        dialect=Dialect.NATIVE,
        timeout=given.seconds("timeout", services.config.query.timeout),
    )


def _step(given: Parameters, asked: QueryRequest) -> int:
    """The bucket's width; without a wish about a hundred buckets of the range, hours when that is open."""
    if given.text("step"):
        return given.span("step", "")
    if asked.start is None or asked.end is None or asked.end <= asked.start:
        return _HOUR
    return max(1, (asked.end - asked.start) // _STEPS_WANTED)


async def _at_once(rows: list[Row]) -> AsyncIterator[list[Row]]:
    yield rows


async def _streamed(chunks: Chunks, given: Parameters, services: Services) -> Streamed:
    how = row_format(given.text("format"))
    headers = [(b"x-accel-buffering", b"no")]
    if lag := services.nodes_lag():
        headers.append((b"logyard-nodes-lag", lag.encode()))
    return await Streamed.open(encoded(chunks, how), how.media_type, headers)
