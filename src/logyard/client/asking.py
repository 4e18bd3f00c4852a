"""Every question as a request, and every answer as a value: pure, so that both clients are only the sending."""

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypedDict, TypeVar, cast
from urllib.parse import quote

import msgspec
import polars as pl

from logyard.client.answers import Facet, Hits, Ingested, Page, Row, Value
from logyard.errors import BadInput, StoreFailed

__all__ = [
    "READY",
    "Ask",
    "Records",
    "Span",
    "Time",
    "decoded",
    "field",
    "ingests",
    "listing",
    "named",
    "page",
    "ranged",
    "replica",
    "rows",
    "sent",
]

Time = str | datetime
"""RFC 3339, a duration before now (``1h``), ``now``, ``today``, or a datetime that knows its zone."""
Records = Iterable[Mapping[str, object]] | pl.DataFrame

_CHUNK_ROWS: Final = 10_000
_JSON: Final = msgspec.json.Encoder(enc_hook=str)
Kind = TypeVar("Kind")


class Span(msgspec.Struct, frozen=True):
    """From ``start`` (inclusive) until ``end`` (exclusive); None for no bound."""

    start: Time | None = None
    end: Time | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    path: str
    method: str = "GET"
    parameters: Mapping[str, str | int | Sequence[str]] = {}
    body: bytes = b""
    headers: Mapping[str, str] = {}


class _HitsAnswer(msgspec.Struct):
    hits: tuple[Hits, ...]


class _FacetsAnswer(msgspec.Struct):
    facets: tuple[Facet, ...]


class _ValuesAnswer(msgspec.Struct):
    values: tuple[Value, ...]


class _LogAnswer(msgspec.Struct):
    log: dict[str, object]


class _LogsAnswer(msgspec.Struct):
    logs: list[dict[str, object]]


class _Pagination(msgspec.Struct):
    total: int
    newest: str | None = None


class _Listing(msgspec.Struct):
    logs: list[dict[str, object]]
    pagination: _Pagination


READY: Final = Ask(path="/readyz")

NAMED: Final[Mapping[str, type[msgspec.Struct]]] = {
    "hits": _HitsAnswer,
    "facets": _FacetsAnswer,
    "values": _ValuesAnswer,
    "log": _LogAnswer,
    "logs": _LogsAnswer,
}
"""Answers that hold one thing, by its name."""


def rows(path: str, query: str, span: Span, *, limit: int) -> Ask:
    """Rows as JSON lines."""
    return Ask(path=path, parameters={**ranged(query, span), "limit": limit, "format": "ndjson"})


class Sent(TypedDict):
    """What httpx makes a request of."""

    params: Mapping[str, str | int | Sequence[str]]
    content: bytes | None
    headers: Mapping[str, str]


def sent(ask: Ask) -> Sent:
    """As httpx takes it."""
    return {"params": ask.parameters, "content": ask.body or None, "headers": ask.headers}


def ranged(query: str, span: Span, **more: str | int | Sequence[str] | None) -> dict[str, str | int | Sequence[str]]:
    """The parameters that most questions share; None leaves one out."""
    times = {"start": span.start, "end": span.end}
    shown = {name: _time(name, value) for name, value in times.items() if value is not None}
    return {"query": query, **shown, **{name: value for name, value in more.items() if value is not None}}


def field(log_id: str) -> str:
    """The path of one record."""
    return f"/api/v1/logs/{quote(log_id, safe='')}"


def listing(query: str, *, limit: int, offset: int, until: str) -> Ask:
    """A page of records as they were sent."""
    asked = ranged(query, Span(), limit=limit, offset=offset, until=until or None)
    return Ask(path="/api/v1/logs", parameters=asked)


def page(body: bytes) -> Page:
    """The answer to ``listing``."""
    found = decoded(body, _Listing)
    newest = found.pagination.newest or ""
    return Page(logs=cast("list[Row]", found.logs), total=found.pagination.total, newest=newest)


def replica(body: bytes) -> Ask:
    """Records that were accepted elsewhere; the body is that of ``receivers/http_replica.py``."""
    headers = {"Content-Type": "application/x-ndjson"}
    return Ask(path="/api/v1/replica", method="POST", body=body, headers=headers)


def ingests(records: Records, *, key: str, service: str) -> Iterator[Ask]:
    """Records in requests of at most ``_CHUNK_ROWS``; every one has a key, so that it may be sent again."""
    key = key or os.urandom(16).hex()
    headers = {"Content-Type": "application/x-ndjson"} | ({"X-Service-Name": service} if service else {})
    for number, body in enumerate(_bodies(records)):
        headed = headers | {"Idempotency-Key": f"{key}-{number}" if number else key}
        yield Ask(path="/ingest", method="POST", body=body, headers=headed)


def ingested(body: bytes) -> Ingested:
    """The answer to one of ``ingests``."""
    return decoded(body, Ingested)


def decoded(body: bytes, kind: type[Kind]) -> Kind:
    """An answer. Raises ``StoreFailed`` when it is none that this client knows."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StoreFailed(f"the server's answer is none that this client knows: {error}: {body[:200]!r}") from error


def named(body: bytes, name: str) -> object:
    """The one thing in an answer of ``NAMED``."""
    return getattr(decoded(body, NAMED[name]), name)


def _bodies(records: Records) -> Iterator[bytes]:
    if isinstance(records, pl.DataFrame):
        for start in range(0, records.height, _CHUNK_ROWS):
            yield records[start : start + _CHUNK_ROWS].write_ndjson().encode()
        return
    if isinstance(records, Mapping):
        records = [records]
    remaining = iter(records)
    while chunk := list(itertools.islice(remaining, _CHUNK_ROWS)):
        yield _JSON.encode_lines(chunk)


def _time(name: str, value: Time) -> str:
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        raise BadInput(f"{name}: {value.isoformat()} has no time zone: say datetime(..., tzinfo=UTC)")
    return value.isoformat()
