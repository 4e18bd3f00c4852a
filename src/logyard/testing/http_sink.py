"""A real HTTP server on loopback that answers as it is told and keeps what it was asked: the other side of outputs.

with HttpSink() as sink:
    sink.answers = [Answer(503, headers={"Retry-After": "1"})]     # then those; when they are used up, ``usual``
    ...
    [request.body for request in sink.requests]
"""

import gzip
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import msgspec
import zstandard

__all__ = ["Answer", "HttpSink", "Request"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What it was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """As it was before it was packed."""


class Answer(msgspec.Struct, frozen=True):
    """What it says; 0 is no answer at all: the connection is closed."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class HttpSink:
    """A context: listens, each connection in a thread of its own."""

    def __init__(self, usual: Callable[[Request], Answer] | None = None) -> None:
        """``usual``: how it answers when nothing else is asked of it; 200 without one. Any thread."""
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.limit = 0
        """Bytes beyond which a body gets 413; 0: none."""
        self._usual = usual or (lambda _: Answer())
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: Request) -> Answer:
        """Keep the request and find what to say."""
        with self._lock:
            self.requests.append(request)
            if self.answers:
                return self.answers.pop(0)
        if self.limit and len(request.body) > self.limit:
            return Answer(413, b"too large")
        return self._usual(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                """Any method."""
                self.raw_requestline = self.rfile.readline(65_537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                answer = sink.answer(_request(self))
                if not answer.status:
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        return Handler


def _request(handler: BaseHTTPRequestHandler) -> Request:
    parts = urlsplit(handler.path)
    body = handler.rfile.read(int(handler.headers.get("content-length", "0")))
    return Request(
        method=handler.command,
        path=parts.path,
        query=dict(parse_qsl(parts.query)),
        headers={name.lower(): value for name, value in handler.headers.items()},
        body=_unpacked(body, handler.headers.get("content-encoding", "")),
    )


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompress(body, max_output_size=1 << 30)
    return body
