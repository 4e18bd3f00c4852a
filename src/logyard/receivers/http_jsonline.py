"""JSON lines as VictoriaLogs takes them: ``POST /insert/jsonline``.

Parameters, in the query string or as ``VL-...`` headers (the query string wins):

    _msg_field       VL-Msg-Field        keys tried for the message, comma separated, in this order
    _time_field      VL-Time-Field       the same for the time
    _stream_fields   VL-Stream-Fields    keys that make up the stream's identity
    ignore_fields    VL-Ignore-Fields    top-level keys that are left out
    extra_fields     VL-Extra-Fields     ``name=value,...`` set on every record

The answer is 200 with an empty body, as there; lines that cannot be read are refused, counted, and named in
the ``Logyard-Rejected`` header by their number; the others are kept. Only when no line is good, the answer
is 400.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from logyard.errors import BadInput
from logyard.formats.json import lines as json_lines
from logyard.formats.json.line import LineLimits, Validated
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.receivers.http_intake import (
    HttpAnswer,
    HttpRequest,
    HttpRoute,
    Intake,
    idempotency_key,
    submit,
    validated,
)
from logyard.registry import component
from logyard.types import Json

__all__ = ["HttpJsonline", "HttpJsonlineConfig"]

_NAME: Final = "http_jsonline"
_MARK: Final = b"\xef\xbb\xbf"
_MOST_FIELDS: Final = 100


class HttpJsonlineConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the route is."""

    path: str = "/insert/jsonline"


class _Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for."""

    reading: Reading
    ignored: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


@component("http_jsonline", config=HttpJsonlineConfig, example='path = "/insert/jsonline"\n')
class HttpJsonline:
    """JSON lines by VictoriaLogs' protocol, with the sender's own field names."""

    def __init__(self, config: HttpJsonlineConfig) -> None:
        self._path = config.path

    def routes(self, intake: Intake) -> Sequence[HttpRoute]:
        """``POST`` on the one path."""
        summary = "Store JSON lines (VictoriaLogs' protocol)"
        return [HttpRoute(method="POST", path=self._path, handle=_handler(intake), summary=summary)]


def _handler(intake: Intake) -> Callable[[HttpRequest], Awaitable[HttpAnswer]]:
    async def handle(request: HttpRequest) -> HttpAnswer:
        wishes = _wishes(request)
        key = idempotency_key(request)
        body = (await intake.body(request)).removeprefix(_MARK)
        if not body.strip():
            return HttpAnswer(200, headers=())
        found = await validated(body, partial(_look, wishes=wishes, limits=intake.limits))
        await submit(intake, found, receiver=_NAME, key=key)
        return HttpAnswer(200, headers=_rejected(found))

    return handle


def _rejected(found: Validated) -> tuple[tuple[bytes, bytes], ...]:
    if not found.rejected:
        return ()
    named = ",".join(str(refusal.index) for refusal in found.rejected[:100])
    return ((b"logyard-rejected", f"{len(found.rejected)}; lines={named}".encode()),)


def _wishes(request: HttpRequest) -> _Wishes:
    given = request.parameters()

    def asked(name: str, header: bytes) -> tuple[str, ...]:
        text = given.get(name) or request.header(header)
        fields = tuple(dict.fromkeys(field.strip() for field in text.split(",") if field.strip()))
        if len(fields) > _MOST_FIELDS:
            raise BadInput(f"{name} names {len(fields)} fields, over {_MOST_FIELDS}")
        return fields

    reading = msgspec.structs.replace(
        DEFAULT_READING,
        message=asked("_msg_field", b"vl-msg-field") or DEFAULT_READING.message,
        timestamp=asked("_time_field", b"vl-time-field") or DEFAULT_READING.timestamp,
        stream_fields=asked("_stream_fields", b"vl-stream-fields") or DEFAULT_READING.stream_fields,
    )
    extra = (pair.partition("=") for pair in asked("extra_fields", b"vl-extra-fields"))
    return _Wishes(
        reading=reading,
        ignored=asked("ignore_fields", b"vl-ignore-fields"),
        extra=tuple((name, value) for name, _, value in extra),
    )


def _look(body: bytes, *, wishes: _Wishes, limits: LineLimits) -> Validated:
    found = json_lines.validate(body, wishes.reading, limits)
    if found.encoded is None or not (wishes.ignored or wishes.extra):
        return found
    extra: dict[str, Json] = dict(wishes.extra)
    lines = b"\n".join(_changed(line, wishes.ignored, extra) for line in found.encoded.lines.split(b"\n"))
    encoded = Encoded(lines=lines, rows=found.encoded.rows, reading=wishes.reading)
    return msgspec.structs.replace(found, encoded=encoded)


def _changed(line: bytes, ignored: tuple[str, ...], extra: dict[str, Json]) -> bytes:
    record: dict[str, Json] = msgspec.json.decode(line, type=dict)
    for name in ignored:
        record.pop(name, None)
    return msgspec.json.encode(record | extra)
