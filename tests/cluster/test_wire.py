"""One server's wire, before a server that says what it is told."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from logyard.store.cluster.url import parse
from logyard.store.cluster.wire import Wire


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"1\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = parse(f"clickhouse://127.0.0.1:{server.server_port}/db")
        made = Wire(url.hosts[0], url)
        yield made
        made.close()
        server.shutdown()
        thread.join()


def test_a_connection_is_kept_for_the_next_statement(wire: Wire) -> None:
    for _ in range(3):
        assert wire.query("SELECT 1") == b"1\n"
    assert len(wire._idle) == 1


def test_a_statement_that_comes_after_the_end_leaves_no_connection(wire: Wire) -> None:
    """A health check of a store that is just being closed."""
    wire.query("SELECT 1")
    wire.close()
    assert wire.query("SELECT 1") == b"1\n"
    assert not wire._idle
