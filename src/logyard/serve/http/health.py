"""Is it alive, is it ready, what does it count: ``/health``, ``/healthz``, ``/readyz``, ``/metrics``."""

from collections.abc import Sequence
from typing import Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from logyard.serve.http.figures import figures
from logyard.serve.http.params import WebRequest
from logyard.serve.http.services import Services
from logyard.serve.http.timings import Timings
from logyard.types import Json

__all__ = ["routes"]

_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_JSON: Final = "application/json"


def routes(services: Services, timings: Timings) -> Sequence[HTTPRouteHandler]:
    """The handlers."""

    @get("/health", summary="Whether the process is alive, and its name")
    async def health() -> dict[str, str]:
        return {"status": "healthy", "service": services.config.service_name}

    @get("/healthz", summary="Whether the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "healthy"}

    @get("/readyz", summary="Whether it can take and answer requests; 503 and what is missing when not")
    async def readyz() -> Response[dict[str, Json]]:
        missing, soft = dict(services.ready()), dict(services.soft())
        status = "not ready" if missing else "degraded" if soft else "ready"
        answer: dict[str, Json] = {"status": status, "missing": dict(missing), "degraded": dict(soft)}
        return Response(answer, status_code=503 if missing else 200)

    @get("/metrics", summary="Metrics as Prometheus reads them; as JSON, by Accept, those of /api/v1/metrics")
    async def metrics(request: WebRequest) -> Response[bytes]:
        if request.headers.get("accept", "").startswith(_JSON):
            return Response(msgspec.json.encode(figures(services, timings)), media_type=_JSON)
        return Response(services.telemetry.prometheus(), media_type=_PROMETHEUS)

    return [health, healthz, readyz, metrics]
