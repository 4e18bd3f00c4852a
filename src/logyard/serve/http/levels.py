"""The levels that pass the step ``level_filter``: read and changed while running."""

from collections.abc import Sequence
from typing import Final, cast

import msgspec
from litestar import get, put
from litestar.handlers import HTTPRouteHandler

from logyard.errors import BadInput, BadPayload, NotFound
from logyard.pipeline.gate import Gate, Levels
from logyard.receivers.http_body import Receive, read_body
from logyard.serve.http.openapi import documented
from logyard.serve.http.params import WebRequest
from logyard.serve.http.services import Services
from logyard.types import Json

__all__ = ["routes"]

Answer = dict[str, Json]
_MOST: Final = 1 << 20
_WHICH: Final = "name of the step; needed where the pipeline has several"


def routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """The handlers."""

    @get("/api/v1/admin/levels", summary="The levels that pass, by step")
    async def levels() -> Answer:
        return {"steps": {name: _shown(gate) for name, gate in services.gates.items()}}

    @put(
        "/api/v1/admin/levels",
        status_code=200,
        opt=documented(step=_WHICH),
        summary='Change the levels that pass: {"minimum": "WARNING", "services": {"checkout": "DEBUG"}}',
    )
    async def change(request: WebRequest) -> Answer:
        if request.headers.get("origin"):
            raise BadInput("this route is not for browsers: it takes no request that brings Origin")
        gate = _gate(services, request.query_params.get("step", ""))
        body = await read_body(cast("Receive", request.receive), dict(request.scope["headers"]), _MOST)
        try:
            gate.change(msgspec.json.decode(body, type=Levels))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadPayload(str(error)) from error
        return _shown(gate)

    return [levels, change]


def _gate(services: Services, name: str) -> Gate:
    if not services.gates:
        raise NotFound("the pipeline has no step level_filter")
    if name:
        found = services.gates.get(name)
        if found is None:
            raise NotFound(f"there is no step {name!r}; there are: {', '.join(services.gates)}")
        return found
    if len(services.gates) > 1:
        raise BadInput(f"say which step: {', '.join(services.gates)}")
    return next(iter(services.gates.values()))


def _shown(gate: Gate) -> Answer:
    levels = gate.levels
    return {"minimum": levels.minimum, "services": dict[str, Json](levels.services)}
