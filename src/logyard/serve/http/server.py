"""The web application: every route there is, put together.

    request ──► Front ──► receivers' routes          (hot; exact paths)
                  └─────► Litestar ──► routes of this package, live tails, docs

``build`` makes it of ``Services``; ``listener.HttpServer`` puts it on a socket.
"""

from collections.abc import Mapping
from typing import cast

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

import logyard
from logyard.serve.http import admin, health, levels, logs, pages, query, tail, victoria
from logyard.serve.http.cors import Cors
from logyard.serve.http.front import REQUEST_ID, Front
from logyard.serve.http.openapi import SUMMARY, description
from logyard.serve.http.problems import PROBLEM_TYPE, problem_of
from logyard.serve.http.services import Services
from logyard.serve.http.timings import Timings

__all__ = ["build"]


def build(services: Services) -> Front:
    """The ASGI application."""
    timings = Timings(services.telemetry)
    handlers: list[ControllerRouterHandler] = [
        *health.routes(services, timings),
        *logs.routes(services, timings),
        *query.routes(services),
        *victoria.routes(services),
        *tail.routes(services),
        *admin.routes(services),
        *levels.routes(services),
    ]
    app = Litestar(
        [*handlers, *pages.routes(lambda: description(app, services.receivers))],
        openapi_config=OpenAPIConfig(title="Logyard", version=logyard.__version__, summary=SUMMARY),
        exception_handlers={Exception: _failed},
        logging_config=None,
    )
    cors = Cors(services.config.http.cors_origins)
    return Front(app, services.receivers, cors=cors, timings=timings, clock=services.clock)


def _failed(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    """An exception of a Litestar route as a problem."""
    request_id = str(cast("Mapping[str, object]", request.scope).get(REQUEST_ID, ""))
    problem = problem_of(error, request_id)
    return Response(
        problem.body(request_id),
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type=PROBLEM_TYPE,
    )
