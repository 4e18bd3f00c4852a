"""Records as the central logging service and the feeding service give them back: by service, by conditions, by id.

A record comes back with the keys it came with. ``/logs/<service>`` treats the rest of the path as a name, whatever is
in it: names never become paths.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from logyard.errors import BadInput, NotFound
from logyard.language.entry import parse_filter
from logyard.language.quoting import quote
from logyard.model.timestamp import format_ns
from logyard.ports import StoreStats
from logyard.query.search import QueryRequest
from logyard.serve.http.figures import figures
from logyard.serve.http.openapi import documented
from logyard.serve.http.params import Parameters, WebRequest, read_parameters
from logyard.serve.http.services import Services
from logyard.serve.http.timings import Timings
from logyard.types import Json, LogId

__all__ = ["routes"]

_DEFAULT_LIMIT: Final = 100
_MOST: Final = 100_000
_LISTING: Final = documented(
    service_name="only of this service (also: service)",
    level="only of this level, in any spelling",
    start_time="not before: RFC 3339, Unix time, or a duration like 1h",
    end_time="before",
    keyword="a part of the message, in any case",
    correlation_id="only of this correlation id",
    query="and whatever else must hold: a filter in LogsQL",
    limit="at most so many (100)",
    offset="skip so many; or page",
    page="the page, from 1; excludes offset",
    until="the pagination.newest of the first page: pages do not shift while entries come in",
)

Answer = dict[str, Json]


def routes(services: Services, timings: Timings) -> Sequence[HTTPRouteHandler]:
    """The handlers."""
    return [*_record_routes(services), *_count_routes(services, timings)]


def _record_routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """Those that give records."""
    search = services.search

    @get(["/logs", "/api/v1/logs"], opt=_LISTING, summary="Entries by conditions, newest first")
    async def listing(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        limit = given.count("limit", _DEFAULT_LIMIT, _MOST)
        offset = _offset(given, limit)
        until = services.ids.parse(given.text("until")) if given.text("until") else None
        found = await search.listing(_conditions(given, services.clock.now()), limit, offset, until=until)
        logs: list[Json] = list(found.rows)
        newest = services.ids.text(LogId(found.newest)) if found.newest else None
        pagination: Answer = {"limit": limit, "offset": offset, "total": found.total, "newest": newest}
        return {"logs": logs, "count": len(logs), "pagination": pagination}

    @get("/logs/{service:path}", opt=documented(limit="at most so many (100)"), summary="A service's last entries")
    async def by_service(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        name = _service(request)
        logs: list[Json] = list(await search.last(name, given.count("limit", _DEFAULT_LIMIT, _MOST)))
        return {"service": name, "count": len(logs), "logs": logs}

    @get("/api/v1/logs/{log_id:str}", summary="One entry")
    async def by_id(log_id: FromPath[str]) -> Answer:
        found = await search.by_id(_parse_id(services, log_id))
        if found is None:
            raise NotFound(f"there is no log {log_id!r}")
        return {"log": found}

    return [listing, by_service, by_id]


def _count_routes(services: Services, timings: Timings) -> Sequence[HTTPRouteHandler]:
    """Those that count."""

    @get(["/logs/stats", "/api/v1/logs/stats"], summary="What is stored")
    async def stats() -> Answer:
        return _stats(await asyncio.to_thread(services.stats), services)

    @get("/api/v1/metrics", summary="What was done since the start, and how long requests take")
    async def metrics() -> Answer:
        return figures(services, timings)

    return [stats, metrics]


def _service(request: WebRequest) -> str:
    """The name as it stands in the path, slashes and all; a dot or an empty segment is a part of the name."""
    raw = request.scope["raw_path"].decode("latin-1")
    return unquote(raw.removeprefix("/logs/"), errors="replace")


def _parse_id(services: Services, text: str) -> LogId:
    try:
        return services.ids.parse(text)
    except BadInput as error:
        raise NotFound(f"there is no log {text!r}: {error}") from error


def _offset(given: Parameters, limit: int) -> int:
    if not given.text("page"):
        return given.count("offset", 0)
    page = given.count("page", 1)
    if page == 0:
        raise BadInput("cannot parse page from '0': pages are counted from 1")
    return (page - 1) * limit


def _conditions(given: Parameters, now: int) -> QueryRequest:
    """The conditions as a query; all must hold."""
    conditions = []
    if service := given.text("service_name", "service"):
        conditions.append(f"service:={quote(service)}")
    if level := given.text("level"):
        conditions.append(f"level:={quote(level)}")
    if keyword := given.text("keyword"):
        conditions.append(f"message:~{quote('(?i)' + re.escape(keyword))}")
    if correlation_id := given.text("correlation_id"):
        conditions.append(f"correlation_id:={quote(correlation_id)}")
    start, end = given.time("start_time", "start"), given.time("end_time", "end")
    more = (parse_filter(given.text("query"), now=now),) if given.text("query") else ()
    return QueryRequest(query=" ".join(conditions) or "*", start=start, end=end, filters=more)


def _stats(stats: StoreStats, services: Services) -> Answer:
    ratio = stats.bytes_uncompressed / stats.bytes_on_disk if stats.bytes_on_disk else 0.0
    return {
        "total_logs": stats.rows,
        "bytes_on_disk": stats.bytes_on_disk,
        "bytes_uncompressed": stats.bytes_uncompressed,
        "compression_ratio": round(ratio, 2),
        "parts": stats.parts,
        "partitions": stats.partitions,
        "oldest": None if stats.oldest is None else format_ns(stats.oldest),
        "newest": None if stats.newest is None else format_ns(stats.newest),
        "service": services.config.service_name,
    }
