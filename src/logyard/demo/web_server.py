"""The web API on a socket, on the standard library alone: a demo brings no web framework."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, cast

from logyard.demo.chance import Chance
from logyard.demo.pace import SECOND, Pace
from logyard.demo.web_api import Answer, Ask, Routes
from logyard.demo.web_log import WebLog
from logyard.errors import BadConfig, BadPayload, TooLarge

__all__ = ["WebServer", "address"]

_BODY_BYTES: Final = 1 << 16
_IDLE_SECONDS: Final = 30.0
_DRAIN_SECONDS: Final = 5.0
_LOOK_AGAIN: Final = 0.1
_HIGHEST_PORT: Final = 0xFFFF


def address(listen: str) -> tuple[str, int]:
    """``HOST:PORT``, with brackets around an IPv6 host. Raises ``BadConfig``."""
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > _HIGHEST_PORT:
        raise BadConfig(f"{listen!r} is not HOST:PORT", path="--listen")
    return host.strip("[]"), int(port)


class WebServer:
    """Takes its address at once; a context answers until its end."""

    def __init__(self, listen: str, routes: Routes, log: WebLog, *, seed: int) -> None:
        """Raises ``BadConfig`` when it cannot listen there."""
        self._routes = routes
        self._log = log
        self._chance = Chance(seed, "web-api/clients")
        self._pace: Pace | None = None
        self._idle = threading.Condition()
        self._under_way = 0
        where = address(listen)
        try:
            self._listener = _Listener(where, self)
        except OSError as error:
            raise BadConfig(f"cannot listen on {listen}: {error.strerror or error}", path="--listen") from error

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self._listener.server_address[:2]
        name = host if isinstance(host, str) else bytes(host).decode()
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    @contextmanager
    def answering(self, pace: Pace) -> Iterator[None]:
        """Answer in the simulated time of ``pace`` until the context ends; then what is under way may finish."""
        self._pace = pace
        thread = threading.Thread(target=self._listener.serve_forever, args=(_LOOK_AGAIN,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._listener.shutdown()
            with self._idle:
                self._idle.wait_for(lambda: not self._under_way, _DRAIN_SECONDS)

    def close(self) -> None:
        """Give the address back."""
        self._listener.server_close()

    @contextmanager
    def work(self) -> Iterator[None]:
        """A request is under way."""
        with self._idle:
            self._under_way += 1
        try:
            yield
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def answer(self, ask: Ask) -> Answer:
        """The answer, when its time has come. Any thread."""
        pace = cast("Pace", self._pace)  # nobody is answered before there is one
        began = pace.now()
        self._log.request(began, ask)
        answer = self._routes.answer(ask, self._chance)
        pace.spend(answer.seconds)
        ended = pace.now()
        self._log.response(ended, answer, (ended - began) / SECOND or answer.seconds)
        return answer


class _Listener(ThreadingHTTPServer):
    """One thread per connection; an idle connection holds up no stop."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, where: tuple[str, int], web: WebServer) -> None:
        self.web = web
        self.address_family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        super().__init__(where, _Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's question to the name service, which may take seconds."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "logyard-demo"
    sys_version = ""
    timeout = _IDLE_SECONDS
    # Head and body leave together: apart, the second waits 40 ms for the first's acknowledgement.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Every method goes the same way; ``BaseHTTPRequestHandler`` wants a name for each."""
        web = cast("_Listener", self.server).web
        with web.work():
            try:
                body = self._body()
            except TooLarge as error:
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
            except BadPayload as error:
                self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            else:
                self._send(web.answer(self._ask(body)))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - the standard library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Requests are logged by us."""

    def _ask(self, body: bytes) -> Ask:
        parts = self.path.partition("?")
        return Ask(
            method=self.command,
            path=parts[0],
            query=parts[2],
            body=body,
            agent=self.headers.get("User-Agent", ""),
            address=str(self.client_address[0]),
        )

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise BadPayload("a body needs a Content-Length here")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise BadPayload(f"Content-Length {length[:20]!r} is no number")
        if int(length[:20]) > _BODY_BYTES:
            raise TooLarge(f"a body may have {_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise BadPayload("the body ended early")
        return body

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self.close_connection = True
        self.send_error(status, reason)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.allow:
            self.send_header("Allow", answer.allow)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
