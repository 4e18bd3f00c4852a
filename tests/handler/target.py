"""A small log server on a real socket whose answers a test decides; it keeps what it took, once for each key."""

import gzip
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What one request gets. ``raw``: these bytes instead of HTTP. ``lose``: kept, but the answer never comes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    raw: bytes = b""
    lose: bool = False
    hang_up: bool = False
    """The connection is closed behind the answer, which does not say so."""


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]


class Target:
    """``answers`` are given in order, then 200 for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: deque[Answer] = deque()
        self.requests: list[Request] = []
        self.kept: dict[str, list[dict[str, Any]]] = {}
        self.gate = threading.Event()
        """Answers wait for it."""
        self.gate.set()
        self._changed = threading.Condition()

    @property
    def records(self) -> list[dict[str, Any]]:
        with self._changed:
            return [record for kept in self.kept.values() for record in kept]

    @property
    def messages(self) -> list[str]:
        return [record["message"] for record in self.records]

    def wait_for(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """Return when so many records are kept."""
        with self._changed:
            found = self._changed.wait_for(lambda: sum(map(len, self.kept.values())) >= count, seconds)
        assert found, f"{len(self.records)} records came, not {count}"
        return self.records

    def wait_for_requests(self, count: int, seconds: float = 60) -> list[Request]:
        """Return when so many requests have come."""
        with self._changed:
            found = self._changed.wait_for(lambda: len(self.requests) >= count, seconds)
        assert found, f"{len(self.requests)} requests came, not {count}"
        return self.requests

    def take(self, request: Request) -> Answer:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        assert self.gate.wait(60)
        with self._changed:
            answer = self.answers.popleft() if self.answers else Answer()
            if 200 <= answer.status < 300 and not answer.raw:
                self.kept.setdefault(request.key, request.records)
            self._changed.notify_all()
        return answer


@contextmanager
def target(port: int = 0) -> Iterator[Target]:
    """Listens until the block ends."""
    found = Target()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.answer(found.take(Request(self.path, headers, body)))

        def answer(self, answer: Answer) -> None:
            if answer.raw or answer.lose:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.hang_up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that is gone is what some tests are about."""

    with Quiet(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            found.gate.set()
            server.shutdown()
            thread.join(10)
