"""The query API of VictoriaLogs under ``/select/logsql``, in its exact form, so that its own clients work unchanged.

Parameters by query string or form; errors are plain text, as there. Source: VictoriaLogs' documentation of querying by
HTTP. Differences: ``extra_stream_filters`` is treated as ``extra_filters``; tenants come by key, not by header.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from litestar import HttpMethod, Request, Response, route
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from logyard.errors import BadInput
from logyard.language.ast import Filter
from logyard.language.quoting import quote
from logyard.model.dialect import Dialect
from logyard.query.parse import parse_query
from logyard.query.search import FacetLimits, QueryRequest
from logyard.serve.http.openapi import documented
from logyard.serve.http.params import Parameters, WebRequest, read_parameters
from logyard.serve.http.problems import problem_of
from logyard.serve.http.rows_out import FORMATS, encoded
from logyard.serve.http.searching import facets_shown
from logyard.serve.http.services import Services
from logyard.serve.http.streamed import Streamed
from logyard.types import Json

__all__ = ["routes"]

_ROOT: Final = "/select/logsql/"
_ROWS_TYPE: Final = "application/stream+json"
_DAY: Final = "1d"
_RANGE: Final = {
    "query": "LogsQL",
    "start": "not before",
    "end": "not after",
    "extra_filters": "filters that hold besides, as LogsQL or as JSON",
    "timeout": "at most so long",
}

Document = dict[str, object]
Answer = Callable[[Parameters, QueryRequest], Awaitable[Document]]


def routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """The handlers."""
    answers = _Answers(services)
    documents: Mapping[str, Answer] = {
        "hits": answers.hits,
        "facets": answers.facets,
        "field_names": answers.field_names,
        "field_values": answers.field_values,
        "streams": answers.streams,
        "stream_field_names": answers.stream_field_names,
        "stream_field_values": answers.stream_field_values,
        "stats_query": answers.stats_query,
        "stats_query_range": answers.stats_query_range,
    }
    return [_query(services), *(_document(services, name, answer) for name, answer in documents.items())]


def _query(services: Services) -> HTTPRouteHandler:
    @route(
        f"{_ROOT}query",
        http_method=[HttpMethod.GET, HttpMethod.POST],
        status_code=200,
        opt=documented(**_RANGE, limit="at most so many, the newest"),
        summary="VictoriaLogs: entries as JSON lines",
        exception_handlers={Exception: _plain},
    )
    async def query(request: WebRequest) -> Streamed:
        given = await read_parameters(request, services.clock)
        asked = _request(given, services, limit=given.count("limit", 0) or None)
        return await Streamed.open(encoded(services.search.rows(asked), FORMATS["ndjson"]), _ROWS_TYPE)

    return query


def _document(services: Services, name: str, answer: Answer) -> HTTPRouteHandler:
    @route(
        _ROOT + name,
        http_method=[HttpMethod.GET, HttpMethod.POST],
        status_code=200,
        opt=documented(**_RANGE),
        summary=f"VictoriaLogs: {name.replace('_', ' ')}",
        exception_handlers={Exception: _plain},
    )
    async def handle(request: WebRequest) -> Document:
        given = await read_parameters(request, services.clock)
        return await answer(given, _request(given, services))

    return handle


class _Answers:
    """One method for each of the small documents."""

    def __init__(self, services: Services) -> None:
        self._search = services.search

    async def hits(self, given: Parameters, asked: QueryRequest) -> Document:
        found = await self._search.hits(
            asked,
            step=given.span("step", _DAY),
            offset=given.signed_span("offset"),
            fields=(*given.all("field"), *given.list("fields")),
            most=given.count("fields_limit", 0),
        )
        return {"hits": found}

    async def facets(self, given: Parameters, asked: QueryRequest) -> Document:
        limits = FacetLimits(
            limit=given.count("limit", 10),
            max_values=given.count("max_values_per_field", 1000),
            max_length=given.count("max_value_len", 128),
            keep_const=given.flag("keep_const_fields"),
        )
        return {"facets": facets_shown(await self._search.facets(asked, limits))}

    async def field_names(self, given: Parameters, asked: QueryRequest) -> Document:
        return {"values": await self._search.field_names(asked)}

    async def field_values(self, given: Parameters, asked: QueryRequest) -> Document:
        field, limit = given.needed("field"), given.count("limit", 0)
        return {"values": await self._search.field_values(asked, field, limit)}

    async def streams(self, given: Parameters, asked: QueryRequest) -> Document:
        return {"values": await self._search.streams(asked, given.count("limit", 0))}

    async def stream_field_names(self, given: Parameters, asked: QueryRequest) -> Document:
        return {"values": await self._search.stream_field_names(asked)}

    async def stream_field_values(self, given: Parameters, asked: QueryRequest) -> Document:
        field, limit = given.needed("field"), given.count("limit", 0)
        return {"values": await self._search.stream_field_values(asked, field, limit)}

    async def stats_query(self, given: Parameters, asked: QueryRequest) -> Document:
        instant = given.time("time")
        if instant is not None:
            asked = msgspec.structs.replace(asked, now=instant)
        return _prometheus("vector", await self._search.stats_query(asked))

    async def stats_query_range(self, given: Parameters, asked: QueryRequest) -> Document:
        step, offset = given.span("step", _DAY), given.signed_span("offset")
        return _prometheus("matrix", await self._search.stats_query_range(asked, step=step, offset=offset))


def _prometheus(kind: str, result: list[Json]) -> Document:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


def _request(given: Parameters, services: Services, *, limit: int | None = None) -> QueryRequest:
    return QueryRequest(
        query=given.needed("query"),
        start=given.time("start"),
        end=given.time("end"),
        limit=limit,
        dialect=Dialect.VICTORIA,
        timeout=given.seconds("timeout", services.config.query.timeout),
        filters=tuple(
            _filter(text, services.clock.now())
            for name in ("extra_filters", "extra_stream_filters")
            for text in given.all(name)
        ),
    )


def _filter(text: str, now: int) -> Filter:
    """A filter given as LogsQL, or as ``{"field": "value"}`` or ``{"field": ["one", "other"]}``."""
    query = parse_query(_as_logsql(text), now=now)
    if query.pipes:
        raise BadInput(f"extra_filters cannot have pipes: {text!r}")
    return query.filter


def _as_logsql(text: str) -> str:
    try:
        wanted: dict[str, str | list[str]] = msgspec.json.decode(text, type=dict[str, str | list[str]])
    except msgspec.DecodeError:
        return text
    return " ".join(_one_of(name, [value] if isinstance(value, str) else value) for name, value in wanted.items())


def _one_of(name: str, values: Sequence[str]) -> str:
    return f"{quote(name)}:in({','.join(map(quote, values))})"


def _plain(_: Request[object, object, State], error: Exception) -> Response[str]:
    """Errors as VictoriaLogs tells them: plain text."""
    problem = problem_of(error)
    headers = dict(problem.headers)
    return Response(problem.detail + "\n", status_code=problem.status, headers=headers, media_type="text/plain")
