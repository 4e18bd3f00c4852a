"""Is it alive, is it ready, what does it count: ``/health``, ``/healthz``, ``/readyz``, ``/metrics``."""

from collections.abc import Sequence
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from logyard.serve.http.services import Services
from logyard.types import Json

__all__ = ["routes"]

_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def routes(services: Services) -> Sequence[HTTPRouteHandler]:
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

    @get("/metrics", summary="Metrics in Prometheus' text format", media_type=_PROMETHEUS)
    async def metrics() -> bytes:
        return services.telemetry.prometheus()

    return [health, healthz, readyz, metrics]
