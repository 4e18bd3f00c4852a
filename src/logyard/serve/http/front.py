"""The outermost layer of the web server: what every request passes, whoever answers it.

The receivers' routes are answered right here, by an exact look-up of method and path, without the
framework: they are the hot ones. All else goes on to Litestar. Every answer gets an ``X-Request-Id`` (the
sender's own, when it is usable) and the CORS headers; every request is timed. Errors of the receivers
become problems here, those of the routes behind in Litestar's exception handler; both by
``problems.problem_of``.
"""

import http
import itertools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from logyard.clock import Clock
from logyard.receivers.http_body import ClientGone
from logyard.receivers.http_body import Receive as ReceiveBody
from logyard.receivers.http_intake import HttpAnswer, HttpRequest, HttpRoute
from logyard.serve.http.cors import Cors
from logyard.serve.http.problems import PROBLEM_TYPE, Problem, problem_of
from logyard.serve.http.timings import Timings

__all__ = ["REQUEST_ID", "Front"]

REQUEST_ID: Final = "logyard.request_id"
"""Key of the request id in the ASGI scope."""

_USABLE_ID: Final = re.compile(rb"[\x21-\x7e]{1,128}")
_GONE: Final = 499
_UNMATCHED: Final = "(unmatched)"
_ANY: Final = frozenset({"OPTIONS"})

Headers = tuple[tuple[bytes, bytes], ...]
_Handlers = dict[str, HttpRoute]


class Front:
    """An ASGI application around another."""

    def __init__(
        self, app: Litestar, routes: Sequence[HttpRoute], *, cors: Cors, timings: Timings, clock: Clock
    ) -> None:
        self._app = app
        self._cors = cors
        self._timings = timings
        self._clock = clock
        self._ids = itertools.count()
        self._id_prefix = os.urandom(6).hex().encode()
        self._paths: dict[str, _Handlers] = {}
        for route in routes:
            self._paths.setdefault(route.path, {})[route.method] = route
        self._methods = _methods(app, routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, WebSocket or lifespan."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = self._clock.monotonic()
        headers = dict(scope["headers"])
        common = self._common(headers)
        scope[REQUEST_ID] = common[0][1].decode()  # type: ignore[typeddict-unknown-key] # ours
        exchange = _Exchange(send, common)
        label = _UNMATCHED
        try:
            label = await self._answer(scope, receive, exchange)
        except ClientGone:
            exchange.status = _GONE
        finally:
            self._timings.add(label, exchange.status, self._clock.monotonic() - started)

    def _common(self, headers: Mapping[bytes, bytes]) -> Headers:
        """The headers of every answer, the request id first."""
        given = headers.get(b"x-request-id", b"")
        name = given if _USABLE_ID.fullmatch(given) else self._id_prefix + b"%08x" % next(self._ids)
        return ((b"x-request-id", name), *self._cors.headers(headers.get(b"origin")))

    async def _answer(self, scope: HTTPScope, receive: Receive, exchange: "_Exchange") -> str:
        """The label of the route that answered."""
        path, method = scope["path"], scope["method"]
        route = self._paths.get(path, {}).get(method)
        if route is not None:
            await exchange.put(await _handled(route, scope, receive))
            return path
        allowed = self._methods.get(path)
        if method == "OPTIONS":
            preflight = self._cors.preflight(dict(scope["headers"]))
            await exchange.put(HttpAnswer(204, headers=preflight or _allow(allowed or _ANY)))
            return method
        if allowed and method not in allowed:
            await exchange.put(_not_allowed(method, allowed, _request_id(scope)))
            return path
        return await self._behind(scope, receive, exchange)

    async def _behind(self, scope: HTTPScope, receive: Receive, exchange: "_Exchange") -> str:
        if scope["method"] == "HEAD":
            # As GET; the server leaves the body out, by the method of its own scope.
            scope = cast("HTTPScope", {**scope, "method": "GET"})
        await self._app(scope, receive, exchange.send)
        return scope.get("path_template") or _UNMATCHED


class _Exchange:
    """The way back to the client: adds the common headers and takes note of the status."""

    def __init__(self, send: Send, common: Headers) -> None:
        self._send = send
        self._common = common
        self.status = _GONE

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._common]
        await self._send(message)

    async def put(self, answer: HttpAnswer) -> None:
        length = (b"content-length", str(len(answer.body)).encode())
        self.status = answer.status
        headers = [*answer.headers, *self._common]
        if answer.status != http.HTTPStatus.NO_CONTENT:
            headers.append(length)
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _methods(app: Litestar, receivers: Sequence[HttpRoute]) -> Mapping[str, frozenset[str]]:
    """Which methods each fixed path takes, whoever answers."""
    pairs = [(route.path, route.method) for route in receivers]
    for route in app.routes:
        if isinstance(route, HTTPRoute) and not route.path_parameters:
            pairs += [(route.path, method) for method in route.methods]
            pairs += [(route.path, "HEAD")] * ("GET" in route.methods)
    found: dict[str, frozenset[str]] = {}
    for path, method in pairs:
        found[path] = found.get(path, _ANY) | {method}
    return found


def _allow(methods: Iterable[str]) -> Headers:
    return ((b"allow", ", ".join(sorted(methods)).encode()),)


def _not_allowed(method: str, allowed: Iterable[str], request_id: str) -> HttpAnswer:
    methods = ", ".join(sorted(allowed))
    detail = f"{method} is not possible here, but {methods}"
    problem = Problem(status=405, title="Method Not Allowed", detail=detail, headers={"Allow": methods})
    return _problem_answer(problem, request_id)


def _problem_answer(problem: Problem, request_id: str) -> HttpAnswer:
    extra = tuple((name.lower().encode(), value.encode()) for name, value in problem.headers.items())
    media_type = (b"content-type", PROBLEM_TYPE.encode())
    return HttpAnswer(problem.status, problem.body(request_id), (media_type, *extra))


def _request_id(scope: HTTPScope) -> str:
    return cast("Mapping[str, str]", scope)[REQUEST_ID]


async def _handled(route: HttpRoute, scope: HTTPScope, receive: Receive) -> HttpAnswer:
    try:
        return await route.handle(HttpRequest(cast("Mapping[str, object]", scope), cast("ReceiveBody", receive)))
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost layer: an answer is due
        request_id = _request_id(scope)
        return _problem_answer(problem_of(error, request_id), request_id)
