"""The API's description (OpenAPI 3.1), made from the routes themselves.

Litestar describes its own; the parameters that a route reads by itself stand in its ``opt["parameters"]``;
the receivers' routes bring a summary.
"""

from collections.abc import Sequence
from typing import Final, cast

from litestar import Litestar
from litestar.routes import HTTPRoute

from logyard.receivers.http_intake import HttpRoute
from logyard.serve.http.shapes import COMPONENTS, answers, bodies
from logyard.types import Json

__all__ = ["SUMMARY", "description", "documented"]

SUMMARY: Final = "Logs in, durable on acknowledgement, found at once, tailed live"

_OPT: Final = "parameters"
Node = dict[str, Json]


_TAIL: Final[Node] = {
    "summary": "Live tail: server-sent events, JSON lines, or a WebSocket at the same path",
    "operationId": "tail",
    "parameters": [
        {"name": name, "in": "query", "description": about, "required": False, "schema": {"type": "string"}}
        for name, about in (
            ("query", "LogsQL; everything by default"),
            ("start", "stored entries since then come first"),
            ("limit", "so many stored entries come first"),
            ("format", "sse (default) or ndjson"),
        )
    ],
    "responses": {"200": {"description": "Entries as they come in, until either side goes away"}},
}
"""The one route whose handler is no Litestar HTTP handler."""


def documented(**parameters: str) -> dict[str, Sequence[tuple[str, str]]]:
    """The ``opt`` of a route that reads its parameters by itself: name and meaning of each."""
    return {_OPT: tuple(parameters.items())}


def description(app: Litestar, receivers: Sequence[HttpRoute]) -> Node:
    """The whole document."""
    document = cast("Node", app.openapi_schema.to_schema())
    paths = cast("dict[str, dict[str, Node]]", document.setdefault("paths", {}))
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format in paths:
            _add_parameters(route, paths[route.path_format])
    for receiver in receivers:
        paths.setdefault(receiver.path, {})[receiver.method.lower()] = _operation(receiver)
    paths["/api/v1/tail"] = {"get": _TAIL}
    for path, operations in paths.items():
        for method, operation in operations.items():
            _add_shapes(operation, path, method)
    components = cast("Node", document.setdefault("components", {}))
    components["schemas"] = {**cast("Node", components.get("schemas", {})), **COMPONENTS}
    return document


def _add_shapes(operation: Node, path: str, method: str) -> None:
    """What answers and bodies look like. Errors have one shape, whatever the framework thinks of them."""
    for parameter in cast("list[Node]", operation.get("parameters", [])):
        if parameter["in"] == "path":
            parameter["schema"] = {"type": "string", "minLength": 1}  # any text: the framework says "uri"
    known = cast("Node", operation.get("responses", {}))
    kept = {status: answer for status, answer in known.items() if status.startswith("2")}
    operation["responses"] = {**kept, **answers(path, method)}
    body = bodies(path)
    if method == "post" and body is not None:
        operation["requestBody"] = body


def _add_parameters(route: HTTPRoute, operations: dict[str, Node]) -> None:
    for handler in route.route_handlers:
        own = cast("Sequence[tuple[str, str]]", handler.opt.get(_OPT, ()))
        for method in handler.http_methods:
            operation = operations.get(method.lower())
            if operation is not None and own:
                listed = cast("list[Json]", operation.setdefault("parameters", []))
                listed += [_parameter(name, about) for name, about in own]


def _parameter(name: str, about: str) -> Json:
    return {
        "name": name,
        "in": "query",
        "description": about,
        "required": False,
        "schema": {"type": "string"},
    }


def _operation(route: HttpRoute) -> Node:
    anything: Node = {"schema": {}}
    return {
        "summary": route.summary,
        "operationId": route.path.strip("/").replace("/", "_"),
        "requestBody": {"content": {"application/json": anything, "application/x-ndjson": anything}},
        "responses": {
            "201": {"description": "Stored: would survive a crash"},
            "207": {"description": "Some items refused, each named by its index"},
            "400": {"description": "Nothing could be kept, and why"},
            "413": {"description": "Larger than http.body_bytes"},
            "429": {"description": "Too much at once; Retry-After says when"},
            "507": {"description": "Disk full; Retry-After says when"},
        },
    }
