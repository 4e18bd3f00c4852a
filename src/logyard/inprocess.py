"""A Logyard inside the program: no listener, no second process, the client of ``client/`` over it.

    with logyard.open("./data") as logs:
        logs.ingest([{"message": "hello"}])
        logs.query("hello").to_polars()

    caller's thread: Client ──► Bridge ──► a thread with an event loop: app.running, without its listener

One process opens a directory at a time; a server that has it open is asked by its URL instead.
"""

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import httpx
import msgspec
import uvloop
from litestar.types import ASGIApp, Message, Scope
from litestar.types.asgi_types import HTTPReceiveMessage as ReceiveMessage

from logyard.app import running
from logyard.client import Client
from logyard.config import Config, from_text
from logyard.errors import BadConfig, Closing

__all__ = ["Opened", "open"]

_PIECES: Final = 16
"""Pieces of an answer that may wait for a slow reader."""
_URL: Final = "http://logyard.invalid"
"""Of nowhere: requests never leave the process."""


class Opened(Client):
    """A client and the store behind it; ``close`` ends both. Any thread, concurrently."""

    def __init__(self, config: Config) -> None:
        """Return when questions are answered. Raises what ``app.running`` raises."""
        self._home = _Home(config)
        super().__init__(_URL, timeout=3600, transport=_Bridge(self._home))

    def close(self) -> None:
        """Everything acknowledged is on the disk; nothing may be asked afterwards."""
        super().close()
        self._home.close()


def open(data: str | Path, settings: Mapping[str, object] | None = None) -> Opened:  # noqa: A001 - logyard.open is the name
    """The store in the directory ``data``, made when there is none.

    ``settings``: sections of the configuration, as a configuration file has them: ``{"retention": {"age_days": 7}}``.
    Raises ``BadConfig``.
    """
    try:
        config = msgspec.convert({**(settings or {}), "data": str(data)}, Config, dec_hook=from_text)
    except msgspec.ValidationError as error:
        raise BadConfig(str(error), path="settings") from error
    return Opened(config)


class _Home:
    """The thread in which everything lives."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.loop: asyncio.AbstractEventLoop | None = None
        self.app: ASGIApp | None = None
        self._stop: asyncio.Event | None = None
        self._begun: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="logyard", daemon=True)
        self._thread.start()
        self._begun.result()

    def close(self) -> None:
        if self.loop is not None and self._stop is not None and self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            uvloop.run(self._live())
        except BaseException as error:
            if self._begun.done():
                raise
            self._begun.set_exception(error)

    async def _live(self) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        # What a server that stopped has yet to send is not thrown away by somebody who has no outputs.
        idle = not (self._config.receivers or self._config.outputs)
        async with running(self._config, listen=False, idle=idle) as logyard:
            self.app = logyard.web
            self._begun.set_result(None)
            await self._stop.wait()
            self.app = None


class _Bridge(httpx.BaseTransport):
    """Requests of any thread into the application on its loop, and answers back, piece by piece."""

    def __init__(self, home: _Home) -> None:
        self._home = home

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As ``httpx`` calls it."""
        loop, app = self._home.loop, self._home.app
        if app is None or loop is None:
            raise Closing("the store is closed")
        exchange = _Exchange(loop, request.read())
        exchange.future = asyncio.run_coroutine_threadsafe(exchange.run(app, _scope(request)), loop)
        status, headers = exchange.head()
        return httpx.Response(status, headers=headers, stream=exchange)


class _Exchange(httpx.SyncByteStream):
    """One request and its answer: the ASGI side runs on the loop, the stream is read by the caller."""

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes) -> None:
        self._loop = loop
        self._body = body
        self._sent = False
        self._gone = asyncio.Event()
        self._room = asyncio.Semaphore(_PIECES)
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.future: concurrent.futures.Future[None] | None = None

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """On the loop."""
        try:
            await app(scope, self._receive, self._send)
        finally:
            self._messages.put(None)

    async def _receive(self) -> ReceiveMessage:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self._room.acquire()
        self._messages.put(message)

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Wait for the status. Raises what the application raised before it."""
        message = self._next()
        if message is None or message["type"] != "http.response.start":
            raise httpx.RemoteProtocolError("the application gave no answer")
        return message["status"], list(message["headers"])

    def __iter__(self) -> Iterator[bytes]:
        while (message := self._next()) is not None and message["type"] == "http.response.body":
            if message["body"]:
                yield message["body"]
            if not message.get("more_body"):
                return

    def close(self) -> None:
        """The caller has read enough."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._gone.set)

    def _next(self) -> Message | None:
        message = self._messages.get()
        if message is None:
            if self.future is not None:
                self.future.result()
            return None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._room.release)
        return message


def _scope(request: httpx.Request) -> Scope:
    """ASGI 3, HTTP."""
    path, _, parameters = request.url.raw_path.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": parameters,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": None,
        "server": None,
        "extensions": {},
        "state": {},
    }
    return cast("Scope", scope)
