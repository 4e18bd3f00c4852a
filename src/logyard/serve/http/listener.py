"""The web server's process side: listening, limits against slow or greedy clients, and a graceful stop.

uvicorn does the protocol, inside the loop that is running; signals are the business of whoever runs that
loop. What uvicorn does not limit, ``GuardedHttp`` does: the size of a request's head, and the time in which
head and body must come.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final, Self

import msgspec
import uvicorn
from litestar.types import ASGIApp

from logyard.errors import BadConfig
from logyard.serve.http.guarded import GuardedHttp, Patience, guarded

__all__ = ["HttpServer", "Listening"]

_BACKLOG: Final = 2048
_KEEP_ALIVE_SECONDS: Final = 75


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to listen."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one; ``HttpServer.port`` tells which."""
    drain_seconds: float = 10.0
    """How long a stop waits for requests under way."""
    patience: Patience = Patience()


class _Uvicorn(uvicorn.Server):
    """Leaves signals alone, and tells when it has begun."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """One listening socket and the application behind it. ``start``, then ``stop``; or a context that does
    both.
    """

    def __init__(self, app: ASGIApp, listening: Listening) -> None:
        self._listening = listening
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=guarded(listening.patience),
                ws="websockets-sansio",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(1, round(listening.drain_seconds)),
                backlog=_BACKLOG,
            )
        )

    @property
    def port(self) -> int:
        """The real port, once started."""
        if self._socket is None:
            raise RuntimeError("not started")
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Return when requests are answered. Raises ``BadConfig`` when the address cannot be had."""
        self._socket = _listen(self._listening)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="http")
        begun = asyncio.create_task(self._server.begun.wait())
        await asyncio.wait({self._serving, begun}, return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            begun.cancel()
            await self._serving
            raise RuntimeError("the web server ended while it started")
        self._sweeping = asyncio.create_task(self._sweep(), name="http sweep")

    async def wait(self) -> None:
        """Return when the server has ended, by ``stop`` or by itself."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Take no new connections, wait ``drain_seconds`` for what is under way, then end."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _sweep(self) -> None:
        """Cut connections that keep us waiting for too long."""
        loop = asyncio.get_running_loop()
        pause = min(1.0, self._listening.patience.head_seconds / 4)
        while True:
            await asyncio.sleep(pause)
            now = loop.time()
            for connection in list(self._server.server_state.connections):
                if isinstance(connection, GuardedHttp):
                    connection.check(now)


def _listen(listening: Listening) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            listening.host or None, listening.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise BadConfig(f"cannot listen on {listening.host}:{listening.port}: {error}", path="listen") from error
    # Connections inherit it; asyncio sets it only on sockets made with the protocol number. Without it every
    # answer (head and body are two writes) waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
