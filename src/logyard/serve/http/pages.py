"""Pages for people: a landing page, and the API's documentation, which works without any other host."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Final

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from logyard.types import Json

__all__ = ["routes"]

_NO_FOREIGN: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(describe: Callable[[], dict[str, Json]]) -> Sequence[HTTPRouteHandler]:
    """The handlers. ``describe`` makes the OpenAPI document, and is called once."""
    document = cache(describe)
    landing, docs = _page("landing.html"), _page("docs.html")

    @get("/", include_in_schema=False)
    async def index() -> Response[bytes]:
        return _html(landing)

    @get("/docs", include_in_schema=False)
    async def docs_page() -> Response[bytes]:
        return _html(docs)

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Json]:
        return document()

    @get("/favicon.ico", include_in_schema=False, status_code=204)
    async def favicon() -> None:
        return None

    return [index, docs_page, openapi, favicon]


def _page(name: str) -> bytes:
    return (resources.files("logyard.serve.http") / name).read_bytes()


def _html(page: bytes) -> Response[bytes]:
    return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": _NO_FOREIGN})
