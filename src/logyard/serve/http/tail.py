"""Live tails over HTTP: ``/api/v1/tail`` as WebSocket, SSE or NDJSON, and ``/select/logsql/tail`` as
VictoriaLogs has it.

Parameters (query string; for VictoriaLogs' path a form body, too):

    query          LogsQL with row-by-row pipes; everything by default
    start          a time (``-1h``, ``2026-01-02T03:04:05Z``): stored records since then come first
    limit          at most so many stored records, the newest; without ``start`` it asks for that many
    start_offset   VictoriaLogs' name for ``start``, as a duration
    format         ``sse`` or ``ndjson``, where the ``Accept`` header does not say

**WebSocket**: the server sends JSON texts: ``{"type":"rows","rows":[...]}``,
``{"type":"missed","count":5,"exact":true}`` (rows that this slow client, or an overloaded server, lost at
this place; not exact: at most so many), ``{"type":"heartbeat"}`` after 15 s of silence,
``{"type":"error","detail":"..."}`` before it closes: 1008 for a query that cannot be tailed, 1011 for a
failure, 1001 when the server goes away.

**SSE**: ``event: log`` with one row and its id, ``event: missed``, ``event: error``, comments as heartbeat.
A browser that reconnects sends ``Last-Event-ID`` and goes on behind that record.

**NDJSON**: a row a line, an empty line as heartbeat, ``{"_missed": 5}`` for lost rows.

Too many tails: 429 with Retry-After, before the upgrade of a WebSocket. A client that takes nothing for
``STALLED_SECONDS`` is cut; nobody else ever waits for it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Final, Protocol, cast
from urllib.parse import parse_qsl

import msgspec
from litestar import asgi
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import Message, Receive, Scope, Send

from logyard.clock import Clock
from logyard.errors import BadInput, LogyardError, NotNow
from logyard.model.dialect import Dialect
from logyard.model.ids import LogIds
from logyard.model.timerange import parse_duration, parse_time
from logyard.serve.http.problems import PROBLEM_TYPE, problem_of
from logyard.stream import wire
from logyard.stream.history import MOST_ROWS, TailRequest
from logyard.stream.opening import Tails
from logyard.stream.tail import Tail, TailEvent
from logyard.types import Nanoseconds

__all__ = ["STALLED_SECONDS", "TailServices", "routes"]

STALLED_SECONDS: Final = 60.0
"""A client that takes nothing for so long is cut."""

_VICTORIA_OFFSET: Final = "5s"
"""Where VictoriaLogs begins when its client does not say."""
_FORM_BYTES: Final = 1 << 20
_GONE: Final = frozenset({"http.disconnect", "websocket.disconnect"})
_STREAM_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))

Parameters = Mapping[str, str]


class TailServices(Protocol):
    """What a live tail needs of the server's parts."""

    @property
    def tails(self) -> Tails:
        """Opens tails."""
        ...

    @property
    def clock(self) -> Clock:
        """What relative times refer to."""
        ...

    @property
    def ids(self) -> LogIds:
        """The text form of ids."""
        ...


def routes(services: TailServices, *, stalled: float = STALLED_SECONDS) -> list[ASGIRouteHandler]:
    """The handlers of both paths. ``stalled``: seconds after which a client that takes nothing is cut."""

    @asgi("/api/v1/tail", copy_scope=True)
    async def live_tail(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(services, scope, _Line(receive, send, stalled))
        with contextlib.suppress(_Gone):
            await (exchange.websocket() if exchange.upgraded else exchange.native())

    @asgi("/select/logsql/tail", copy_scope=True)
    async def victoria_tail(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(services, scope, _Line(receive, send, stalled))
        with contextlib.suppress(_Gone):
            await (exchange.no_websocket() if exchange.upgraded else exchange.victoria())

    return [live_tail, victoria_tail]


class _Gone(Exception):
    """The client closed the connection, or took nothing for ``STALLED_SECONDS``."""


class _Line:
    """The two directions of one connection."""

    def __init__(self, receive: Receive, send: Send, stalled: float) -> None:
        self.receive = receive
        self._send = send
        self._stalled = stalled

    async def put(self, message: dict[str, object]) -> None:
        """Send, as long as the client takes something now and then; ``_Gone`` when it does not."""
        try:
            async with asyncio.timeout(self._stalled):
                await self._send(cast("Message", message))
        except (TimeoutError, OSError) as error:
            raise _Gone from error


class _Form(msgspec.Struct, frozen=True):
    """How a stream over HTTP looks."""

    media: bytes
    event: Callable[[TailEvent], bytes]
    error: Callable[[str], bytes]
    greeting: bytes = b""


class _Exchange:
    """One client's request, over whichever protocol it came."""

    def __init__(self, services: TailServices, scope: Scope, line: _Line) -> None:
        self._services = services
        self._receive = line.receive
        self._put = line.put
        self.upgraded = scope["type"] == ScopeType.WEBSOCKET
        self._method = str(scope.get("method", "GET"))
        self._extensions = scope.get("extensions") or {}
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._query = dict(parse_qsl(scope["query_string"].decode(errors="replace"), keep_blank_values=True))

    # -------------------------------------------------------------------------------------- WebSocket

    async def websocket(self) -> None:
        """Messages until either side goes away."""
        await self._receive()
        try:
            tail = self._services.tails.open(self._native_request())
        except NotNow as error:
            await self._deny(error)
            return
        except LogyardError as error:
            await self._put({"type": "websocket.accept"})
            await self._close_websocket(1008, str(error))
            return
        with tail:
            await self._put({"type": "websocket.accept"})
            await self._until_gone(self._talk(tail))

    async def no_websocket(self) -> None:
        """Refuse the handshake: VictoriaLogs has none here."""
        await self._receive()
        await self._put({"type": "websocket.close", "code": 1008})

    async def _talk(self, tail: Tail) -> None:
        try:
            async for event in tail.events():
                await self._put({"type": "websocket.send", "text": wire.websocket(event)})
        except LogyardError as error:
            await self._close_websocket(1008 if isinstance(error, BadInput) else 1011, str(error))
        else:
            await self._put({"type": "websocket.close", "code": 1001, "reason": "the server is going away"})

    async def _close_websocket(self, code: int, detail: str) -> None:
        await self._put({"type": "websocket.send", "text": wire.error_message(detail)})
        # A close frame has room for 123 bytes of reason; the message before it has all.
        await self._put({"type": "websocket.close", "code": code, "reason": detail[:30]})

    async def _deny(self, error: NotNow) -> None:
        """Answer the handshake with a plain HTTP response (ASGI extension ``websocket.http.response``)."""
        if "websocket.http.response" in self._extensions:
            await self._refuse(error, "websocket.http.response")
        else:
            await self._put({"type": "websocket.close", "code": 1013, "reason": "try again later"})

    # ------------------------------------------------------------------------------------------- HTTP

    async def native(self) -> None:
        """SSE, or NDJSON where it is asked for."""
        if self._method != "GET":
            await self._not_allowed(b"GET")
            return
        try:
            form = self._native_form()
            tail = self._services.tails.open(self._native_request())
        except LogyardError as error:
            await self._refuse(error)
            return
        await self._stream(tail, form)

    async def victoria(self) -> None:
        """VictoriaLogs' stream of JSON lines."""
        if self._method not in {"GET", "POST"}:
            await self._not_allowed(b"GET, POST")
            return
        try:
            tail = self._services.tails.open(self._victoria_request(self._query | await self._posted()))
        except LogyardError as error:
            await self._refuse_plainly(error)
            return
        await self._stream(tail, self._victoria_form())

    async def _stream(self, tail: Tail, form: _Form) -> None:
        with tail:
            await self._until_gone(self._pour(tail, form))

    async def _pour(self, tail: Tail, form: _Form) -> None:
        headers = [(b"content-type", form.media), *_STREAM_HEADERS]
        await self._put({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            await self._write(form.greeting)
            async for event in tail.events():
                await self._write(form.event(event))
        except LogyardError as error:
            await self._write(form.error(str(error)))
        await self._put({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, text: bytes) -> None:
        if text:
            await self._put({"type": "http.response.body", "body": text, "more_body": True})

    async def _posted(self) -> dict[str, str]:
        """The parameters of a form body."""
        if self._method != "POST":
            return {}
        body, more = b"", True
        while more:
            message = await self._receive()
            body += message.get("body", b"") if message["type"] == "http.request" else b""
            more = message["type"] == "http.request" and message.get("more_body", False)
            if len(body) > _FORM_BYTES:
                raise BadInput(f"the form is longer than {_FORM_BYTES} bytes")
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))

    # ---------------------------------------------------------------------------------------- requests

    def _native_request(self) -> TailRequest:
        parameters = self._query
        start = parameters.get("start", "")
        last = self._headers.get("last-event-id", "")
        return TailRequest(
            query=parameters.get("query") or "*",
            start=parse_time(start, self._now()) if start else None,
            limit=_limit(parameters, MOST_ROWS if start else 0),
            after=self._services.ids.parse(last) if last else None,
        )

    def _victoria_request(self, parameters: Parameters) -> TailRequest:
        if not parameters.get("query"):
            raise BadInput("missing query")
        offset = parse_duration(parameters.get("start_offset") or _VICTORIA_OFFSET)
        return TailRequest(
            query=parameters["query"],
            dialect=Dialect.VICTORIA,
            start=Nanoseconds(max(0, self._now() - offset)),
            limit=_limit(parameters, MOST_ROWS),
        )

    def _native_form(self) -> _Form:
        name = self._query.get("format", "")
        if name not in {"", "sse", "ndjson"}:
            raise BadInput(f"cannot understand format {name!r}: it should be sse or ndjson")
        if name == "ndjson" or (not name and "ndjson" in self._headers.get("accept", "")):
            return _Form(b"application/x-ndjson", wire.ndjson, wire.ndjson_error)
        show_id = self._services.ids.text

        def event(event: TailEvent) -> bytes:
            return wire.server_sent(event, show_id)

        return _Form(b"text/event-stream; charset=utf-8", event, wire.error_event, b"retry: 1000\n\n")

    def _victoria_form(self) -> _Form:
        def event(event: TailEvent) -> bytes:
            return wire.victoria(event, self._now())

        def error(detail: str) -> bytes:
            return wire.victoria_note(detail, self._now())

        return _Form(b"application/stream+json", event, error)

    def _now(self) -> Nanoseconds:
        return Nanoseconds(self._services.clock.now())

    # ---------------------------------------------------------------------------------------- answers

    async def _not_allowed(self, methods: bytes) -> None:
        headers = [(b"allow", methods), (b"content-length", b"0")]
        await self._put({"type": "http.response.start", "status": 405, "headers": headers})
        await self._put({"type": "http.response.body", "body": b""})

    async def _refuse(self, error: LogyardError, kind: str = "http.response") -> None:
        problem = problem_of(error)
        headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        headers.append((b"content-type", PROBLEM_TYPE.encode()))
        await self._put({"type": f"{kind}.start", "status": problem.status, "headers": headers})
        await self._put({"type": f"{kind}.body", "body": problem.body()})

    async def _refuse_plainly(self, error: LogyardError) -> None:
        """As VictoriaLogs does."""
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        status = problem_of(error).status
        await self._put({"type": "http.response.start", "status": status, "headers": headers})
        await self._put({"type": "http.response.body", "body": f"{error}\n".encode()})

    async def _until_gone(self, work: Coroutine[None, None, None]) -> None:
        """Do the work until it is done or the client has gone."""
        worker, listener = asyncio.create_task(work), asyncio.create_task(self._gone())
        try:
            await asyncio.wait({worker, listener}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            worker.cancel()
            listener.cancel()
            outcome, _ = await asyncio.gather(worker, listener, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    async def _gone(self) -> None:
        while (await self._receive())["type"] not in _GONE:
            pass


def _limit(parameters: Parameters, default: int) -> int:
    text = parameters.get("limit", "")
    if not text:
        return default
    if not text.isdecimal():
        raise BadInput(f"cannot parse limit from {text!r}: it should be a whole number")
    return min(int(text), MOST_ROWS)
