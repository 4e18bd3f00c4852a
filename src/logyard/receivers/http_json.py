"""JSON over HTTP: ``/logs``, ``/logs/batch`` and ``/ingest``, at the root and under ``/api/v1``.

Bodies: one object, an array, ``{"logs": [...]}``, or JSON lines, whatever the content type says; encoded as
``http_body`` has it. Good items are kept whatever their neighbours are:

    all good   201 (``/ingest``: 200)
    mixed      207 ``{"status":"partial","accepted":n,"rejected":m,"errors":[{"index","reason"}...]}``
    none good  400, a problem with the reason, and ``errors`` by index when there were several items

A body for ``/ingest`` may also be lines of any kind: see ``http_block``.

``Idempotency-Key`` makes a request safe to send again: the repeated one stores nothing and gets the first
answer, with ``Idempotency-Replayed: true``. ``X-Service-Name`` is the service of entries that name none.
"""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from logyard.errors import BadInput
from logyard.formats.json import lines as json_lines
from logyard.formats.json.line import OBJECT, LineLimits, Refusal, Validated
from logyard.model.batch import Encoded, Receipt
from logyard.model.ids import LogIds
from logyard.model.reading import DEFAULT_READING
from logyard.receivers.http_block import is_block, look
from logyard.receivers.http_intake import (
    HttpAnswer,
    HttpRequest,
    HttpRoute,
    Intake,
    answer_json,
    idempotency_key,
    submit,
    validated,
)
from logyard.registry import component
from logyard.types import Json

__all__ = ["HttpJson", "HttpJsonConfig"]

_NAME: Final = "http_json"
_BLANK: Final = b" \t\r\n"
_MARK: Final = b"\xef\xbb\xbf"
_MOST_IDS: Final = 1000
"""Ids listed in an answer to a batch; more are not: they follow from the first."""
_MOST_ERRORS: Final = 1000
_MOST_RESULTS: Final = 10_000
_LINES_TYPES: Final = ("ndjson", "jsonl", "json-lines", "json-seq", "stream+json")
_REPLAYED: Final = (b"idempotency-replayed", b"true")


class HttpJsonConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the routes are."""

    prefixes: tuple[str, ...] = ("", "/api/v1")
    """Put before ``/logs``, ``/logs/batch`` and ``/ingest``."""


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request."""

    single: bool
    """The body was one object, not a list of them."""
    found: Validated
    receipt: Receipt
    ids: LogIds

    @property
    def whole(self) -> bool:
        """The pipeline dropped nothing, so that record ``i`` is item ``kept[i]``."""
        return self.receipt.rows == len(self.found.kept)

    def log_ids(self, most: int) -> list[str]:
        rows = range(min(self.receipt.rows, most))
        return [self.ids.text(self.ids.nth(self.receipt.first, row)) for row in rows]


_Answer = Callable[[_Outcome], HttpAnswer]


@component("http_json", config=HttpJsonConfig, example='prefixes = ["", "/api/v1"]\n')
class HttpJson:
    """JSON over HTTP: one object, an array or lines, with an answer for each item."""

    def __init__(self, config: HttpJsonConfig) -> None:
        self._prefixes = config.prefixes

    def routes(self, intake: Intake) -> Sequence[HttpRoute]:
        """``POST`` on the three paths under each prefix."""
        ways: tuple[tuple[str, _Answer, str], ...] = (
            ("/logs", _logged, "Store an entry, an array of entries, or JSON lines"),
            ("/logs/batch", _itemised, 'Store {"logs": [...]}, with a result for each item'),
            ("/ingest", _counted, "Store a batch"),
        )
        return [
            HttpRoute(method="POST", path=prefix + path, handle=_handler(intake, answer), summary=summary)
            for prefix in self._prefixes
            for path, answer, summary in ways
        ]


def _handler(intake: Intake, answer: _Answer) -> Callable[[HttpRequest], Awaitable[HttpAnswer]]:
    async def handle(request: HttpRequest) -> HttpAnswer:
        key = idempotency_key(request)
        body = (await intake.body(request)).removeprefix(_MARK)
        if answer is _counted and is_block(request, body):
            return await _block(intake, request, body)
        body = body.strip(_BLANK)
        lines = _is_lines(body, request.header(b"content-type"))
        found = await validated(body, partial(_look, limits=intake.limits, lines=lines))
        if service := request.header(b"x-service-name"):
            found = await validated(body, lambda _: _with_service(found, service))
        receipt = await submit(intake, found, receiver=_NAME, key=key)
        single = not lines and _is_single(body, found)
        reply = answer(_Outcome(single=single, found=found, receipt=receipt, ids=intake.ids))
        if not receipt.duplicate:
            return reply
        return msgspec.structs.replace(reply, headers=(*reply.headers, _REPLAYED))

    return handle


async def _block(intake: Intake, request: HttpRequest, body: bytes) -> HttpAnswer:
    """Lines of any kind, with what is known of all of them."""
    found = await validated(body, partial(look, request=request, limits=intake.limits))
    receipt = await submit(intake, found, receiver=_NAME, key=idempotency_key(request))
    reply = _counted(_Outcome(single=False, found=found, receipt=receipt, ids=intake.ids))
    return msgspec.structs.replace(reply, headers=(*reply.headers, _REPLAYED)) if receipt.duplicate else reply


def _look(body: bytes, *, limits: LineLimits, lines: bool) -> Validated:
    check = json_lines.validate if lines else json_lines.items
    return check(body, DEFAULT_READING, limits)


def _is_lines(body: bytes, content_type: str) -> bool:
    """Whether the body is JSON lines: its first line is an object by itself, or the content type says so."""
    if not body.startswith(b"{"):
        return False
    if any(name in content_type for name in _LINES_TYPES):
        return True
    end = body.find(b"\n")
    if end < 0:
        return False
    try:
        OBJECT.decode(body[:end])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _is_single(body: bytes, found: Validated) -> bool:
    """Whether a body with one item was that item, not a list around it."""
    if len(found.kept) != 1 or found.rejected or not body.startswith(b"{"):
        return False
    # An item taken out of {"logs": [...]} is shorter than the body by at least the wrapping.
    kept = found.encoded.lines if found.encoded else b""
    return b'"logs"' not in body or found.repaired > 0 or len(kept) == len(body)


def _logged(outcome: _Outcome) -> HttpAnswer:
    if outcome.found.rejected:
        return _partial(outcome)
    if not outcome.single:
        return answer_json(201, _summary(outcome, "logged"))
    if not outcome.receipt.rows:
        return answer_json(201, {"status": "filtered", "log_id": None, "message": "Log dropped by the pipeline"})
    log_id = outcome.ids.text(outcome.receipt.first)
    return answer_json(201, {"status": "logged", "log_id": log_id, "message": "Log ingested successfully"})


def _counted(outcome: _Outcome) -> HttpAnswer:
    if outcome.found.rejected:
        return _partial(outcome)
    count = len(outcome.found.kept)
    return answer_json(200, {"status": "accepted", "accepted": count, "rejected": 0, **_first(outcome)})


def _itemised(outcome: _Outcome) -> HttpAnswer:
    refused = outcome.found.rejected
    value = _summary(outcome, "partial" if refused else "logged")
    value |= {"accepted": len(outcome.found.kept), "rejected": len(refused), "results": _results(outcome)}
    return answer_json(207 if refused else 201, value)


def _partial(outcome: _Outcome) -> HttpAnswer:
    refused = outcome.found.rejected
    value: dict[str, Json] = {
        "status": "partial",
        "accepted": len(outcome.found.kept),
        "rejected": len(refused),
        "errors": [{"index": each.index, "reason": each.reason} for each in refused[:_MOST_ERRORS]],
    }
    return answer_json(207, value | _first(outcome))


def _summary(outcome: _Outcome, status: str) -> dict[str, Json]:
    value: dict[str, Json] = {"status": status, "count": outcome.receipt.rows}
    value |= _first(outcome)
    if outcome.receipt.rows <= _MOST_IDS:
        value["log_ids"] = list[Json](outcome.log_ids(_MOST_IDS))
    return value


def _first(outcome: _Outcome) -> dict[str, Json]:
    return {"log_id": outcome.log_ids(1)[0]} if outcome.receipt.rows else {}


def _results(outcome: _Outcome) -> list[Json]:
    """A result for each item, in the order of the request; of a huge batch for the refused only."""
    if len(outcome.found.kept) > _MOST_RESULTS:
        return [_error(refusal) for refusal in outcome.found.rejected]
    ids = outcome.log_ids(outcome.receipt.rows) if outcome.whole else []
    good: Iterable[tuple[int, str | None]] = itertools.zip_longest(outcome.found.kept, ids)
    results = {index: _kept(index, log_id) for index, log_id in good}
    for refusal in outcome.found.rejected:
        results[refusal.index] = _error(refusal)
    return [results[index] for index in sorted(results)]


def _kept(index: int, log_id: str | None) -> Json:
    result: dict[str, Json] = {"index": index, "status": "logged"}
    return result if log_id is None else result | {"log_id": log_id}


def _error(refusal: Refusal) -> Json:
    return {"index": refusal.index, "status": "error", "error": refusal.reason}


def _with_service(found: Validated, service: str) -> Validated:
    """The same records; those that name no service get this one."""
    if not service.isprintable():
        raise BadInput("X-Service-Name must be printable text")
    if found.encoded is None:
        return found
    prefix = b'{"service":' + msgspec.json.encode(service)
    lines = b"\n".join(_named(line, prefix) for line in found.encoded.lines.split(b"\n"))
    body = Encoded(lines=lines, rows=found.encoded.rows, reading=found.encoded.reading)
    return msgspec.structs.replace(found, encoded=body)


def _named(line: bytes, prefix: bytes) -> bytes:
    record: dict[str, Json] = msgspec.json.decode(line, type=dict)
    if any(record.get(key) not in (None, "") for key in DEFAULT_READING.service):
        return line
    rest = line
    if "service" in record:
        del record["service"]
        rest = msgspec.json.encode(record)
    return prefix + (b"," if record else b"") + rest[1:]
