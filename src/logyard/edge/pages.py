"""A few pages over HTTP without the web framework: ``/metrics``, ``/healthz`` and ``/stats`` of a ``logyard ship``.

HTTP/1.1, GET and HEAD, one request a connection: what a scraper and a probe need, and no more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from logyard.errors import BadConfig
from logyard.telemetry import Telemetry
from logyard.types import Json

__all__ = ["Pages"]

_LONGEST_HEAD: Final = 16_384
_SECONDS: Final = 10.0
_WORDS: Final = 3
_LAST_PORT: Final = 65_535
_REASONS: Final = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


class Pages:
    """Listens while ``serving``."""

    def __init__(self, listen: str, telemetry: Telemetry, statistics: Callable[[], dict[str, Json]]) -> None:
        """``listen``: HOST:PORT. Raises ``BadConfig``."""
        host, _, port = listen.rpartition(":")
        if not port.isdigit() or int(port) > _LAST_PORT:
            raise BadConfig(f"{listen!r} is not HOST:PORT", path="collect.listen")
        self._host, self._port = host.strip("[]") or "127.0.0.1", int(port)
        self._telemetry = telemetry
        self._statistics = statistics

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """The port. Raises ``BadConfig`` when it cannot be had."""
        try:
            server = await asyncio.start_server(self._answer, self._host, self._port, limit=_LONGEST_HEAD)
        except OSError as error:
            reason = f"cannot listen on {self._host}:{self._port}: {error.strerror}"
            raise BadConfig(reason, path="collect.listen") from error
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _SECONDS)
            words = head.partition(b"\r\n")[0].split(b" ")
            method, path = (words[0], words[1].partition(b"?")[0]) if len(words) == _WORDS else (b"", b"")
            status, kind, body = await asyncio.to_thread(self._page, method, path)
            lines = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            writer.write(lines.encode() + b"Connection: close\r\n\r\n" + (b"" if method == b"HEAD" else body))
            await asyncio.wait_for(writer.drain(), _SECONDS)
        writer.close()

    def _page(self, method: bytes, path: bytes) -> tuple[int, str, bytes]:
        if method not in {b"GET", b"HEAD"}:
            return (405 if method else 400), "text/plain", b"GET only\n"
        if path == b"/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self._telemetry.prometheus()
        if path == b"/healthz":
            return 200, "application/json", b'{"status":"healthy"}'
        if path == b"/stats":
            return 200, "application/json", msgspec.json.encode(self._statistics())
        return 404, "text/plain", b"there are /metrics, /healthz and /stats\n"
