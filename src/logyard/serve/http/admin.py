"""Whole rows by partition, in and out, and backups: what ``logyard move``, ``export``, ``import`` and ``backup`` talk
to.

Not for browsers: a request that brings ``Origin`` is refused, so that no page a person looks at can make the server
write files or take rows. A backup writes where its caller says, so it is for callers on this machine.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from logyard.errors import BadInput, NotNow
from logyard.query.search import QueryRequest
from logyard.receivers.http_body import Receive, read_body
from logyard.serve.http.openapi import documented
from logyard.serve.http.params import Parameters, WebRequest, read_parameters
from logyard.serve.http.services import Services
from logyard.store.holdings import ARROW_TYPE, Holdings, received_before
from logyard.store.partitions import Extent, Slice
from logyard.types import Json, Nanoseconds

__all__ = ["routes"]

Result = TypeVar("Result")
Answer = dict[str, Json]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_FARTHEST: Final = 1 << 62
_DIGITS: Final = 20
_FILTER: Final = {
    "until": "only records that were received before; nanoseconds",
    "query": "LogsQL without pipes; everything by default",
    "start": "not before: RFC 3339, Unix time, or a duration like 1h",
    "end": "before",
}
_PLACE: Final = {"partition": "its name", "first": "number of the first bucket", "last": "of the last"}


def routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """The handlers."""
    if services.holdings is None:
        return []
    held = services.holdings
    return [*_listings(services, held), *_rows(services, held), *_keys(services, held), *_backups(services)]


def _listings(services: Services, held: Holdings) -> Sequence[HTTPRouteHandler]:
    """What there is."""

    @get("/api/v1/admin/partitions", opt=documented(**_FILTER), summary="All partitions, oldest first")
    async def partitions(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        now = services.clock.now()
        conditions = await _conditions(services, given, now)
        found = await _off(lambda: held.partitions(conditions))
        listed: list[Json] = [
            {"name": each.name, "rows": each.rows, "oldest": each.oldest, "newest": each.newest} for each in found
        ]
        return {"until": _nanoseconds(given, "until", now), "partitions": listed}

    @get(
        "/api/v1/admin/buckets",
        opt=documented(partition="its name", oldest="its oldest record", newest="its newest", **_FILTER),
        summary="A partition by five minutes: rows and checksums",
    )
    async def buckets(request: WebRequest) -> Answer:
        given = await read_parameters(request, services.clock)
        conditions = await _conditions(services, given, services.clock.now())
        extent = Extent(
            name=_partition(given),
            rows=0,
            oldest=Nanoseconds(_nanoseconds(given, "oldest", 0)),
            newest=Nanoseconds(_nanoseconds(given, "newest", _FARTHEST)),
        )
        found = await _off(lambda: held.buckets(extent, conditions))
        listed: list[Json] = [
            {"number": each.number, "rows": each.rows, "checksum": each.checksum, "bytes": each.bytes} for each in found
        ]
        return {"buckets": listed}

    return [partitions, buckets]


def _rows(services: Services, held: Holdings) -> Sequence[HTTPRouteHandler]:
    """Records."""

    @get(
        "/api/v1/admin/rows",
        opt=documented(**_PLACE, part="one part of so many", parts="how many", **_FILTER),
        summary="Rows of a partition, as a stream of Arrow",
    )
    async def rows(request: WebRequest) -> Response[bytes]:
        given = await read_parameters(request, services.clock)
        conditions = await _conditions(services, given, services.clock.now())
        piece = Slice(
            first=given.count("first", 0),
            last=given.count("last", 0),
            part=given.count("part", 0),
            parts=max(1, given.count("parts", 1)),
        )
        name = _partition(given)
        body = await _off(lambda: held.rows(name, piece, conditions))
        return Response(body, media_type=ARROW_TYPE)

    @post(
        "/api/v1/admin/rows",
        status_code=200,
        opt=documented(dry="1: only count what would be stored"),
        summary="Store rows as they are, each once",
    )
    async def add(request: WebRequest) -> Answer:
        _no_browser(request)
        dry = request.query_params.get("dry") == "1"
        body = await read_body(cast("Receive", request.receive), dict(request.scope["headers"]), _most(services))
        done = await _off(lambda: held.add(body, dry=dry))
        return {"rows": done.rows, "stored": done.stored}

    return [rows, add]


def _keys(services: Services, held: Holdings) -> Sequence[HTTPRouteHandler]:
    """Keys of idempotency."""

    @get(
        "/api/v1/admin/keys",
        opt=documented(after="hexadecimal; only behind it", since="nanoseconds"),
        summary="Batches with a key",
    )
    async def keys(request: WebRequest) -> Response[bytes]:
        given = await read_parameters(request, services.clock)
        text = given.text("after") or "00"
        try:
            after = bytes.fromhex(text)
        except ValueError as error:
            raise BadInput(f"cannot parse after from {text!r}: it should be hexadecimal") from error
        since = _nanoseconds(given, "since", 0)
        body = await _off(lambda: held.keys(after[:16], since))
        return Response(body, media_type=ARROW_TYPE)

    @post("/api/v1/admin/keys", status_code=200, summary="Remember batches with a key")
    async def add(request: WebRequest) -> Answer:
        _no_browser(request)
        body = await read_body(cast("Receive", request.receive), dict(request.scope["headers"]), 64 << 20)
        done = await _off(lambda: held.add_keys(body))
        return {"rows": done.rows, "stored": done.stored}

    return [keys, add]


def _backups(services: Services) -> Sequence[HTTPRouteHandler]:
    lock = asyncio.Lock()

    @post(
        "/api/v1/admin/backup",
        status_code=200,
        opt=documented(to="a folder, or s3://bucket/prefix", full="1: one that needs no earlier one"),
        summary="Back up everything that was acknowledged before",
    )
    async def backup(request: WebRequest) -> Answer:
        _no_browser(request)
        if request.client is not None and request.client.host not in _LOOPBACK:
            raise BadInput("backups are started on the server's own machine: it writes where its caller says")
        given = await read_parameters(request, services.clock)
        to, run = given.needed("to"), services.backup
        if not to.startswith(("/", "s3://")):
            raise BadInput(f"{to!r} is neither the whole path of a folder nor s3://bucket/prefix")
        if run is None:
            raise BadInput("this store is a cluster: its servers back themselves up (BACKUP DATABASE ... ON CLUSTER)")
        if lock.locked():
            raise NotNow("a backup is under way", retry_after=60)
        async with lock:
            now = Nanoseconds(services.clock.now())
            await services.search.settled()
            done = await _off(lambda: run(to, now, given.flag("full")))
        return {
            "name": done.name,
            "base": done.base,
            "rows": done.rows,
            "files": len(done.files),
            "bytes": done.bytes,
            "degraded": dict(services.soft()),
        }

    return [backup]


async def _conditions(services: Services, given: Parameters, now: int) -> list[str]:
    """What the rows must fulfil. Waits until all that was acknowledged can be found, where no moment is given: whoever
    gives one has been here before.
    """
    conditions = [received_before(_nanoseconds(given, "until", now))]
    if not given.text("until"):
        await services.search.settled()
    if not any(given.text(name) for name in ("query", "start", "end")):
        return conditions
    asked = QueryRequest(query=given.text("query") or "*", start=given.time("start"), end=given.time("end"))
    return [*conditions, *await services.search.conditions(asked)]


def _partition(given: Parameters) -> str:
    name = given.needed("partition")
    if not (name.isascii() and name.isdecimal()):
        raise BadInput(f"{name!r} is no partition: they are named like 20261125, 202611 or 2026")
    return name


def _nanoseconds(given: Parameters, name: str, default: int) -> int:
    text = given.text(name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise BadInput(f"cannot parse {name} from {text!r}: it should be nanoseconds since 1970")
    return min(int(text[:_DIGITS]), _FARTHEST)


def _no_browser(request: WebRequest) -> None:
    if request.headers.get("origin"):
        raise BadInput("this route is not for browsers: it takes no request that brings Origin")


def _most(services: Services) -> int:
    return services.config.http.body_bytes


async def _off(work: Callable[[], Result]) -> Result:
    """In a worker thread, to its end: an insert that nobody waits for any more is still an insert."""
    return await asyncio.shield(asyncio.to_thread(work))
