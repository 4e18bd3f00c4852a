"""ClickHouse's HTTP interface of one server: statements out, bytes back, nothing else.

On ``http.client`` and not on clickhouse-connect, measured (docs/adr/0003-cluster.md): it costs 0.2 ms a statement
against 0.6 ms, sends a segment as the file lies there, and its sockets are ours: ``cut`` ends what waits for a server
that has been found dead, which no time limit could tell from a long query.
"""

import base64
import http.client
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Final
from urllib.parse import urlencode

from logyard.errors import LogyardError
from logyard.store.cluster.answer import Answer
from logyard.store.cluster.failures import Away, Slow, insert_failure, query_failure
from logyard.store.cluster.url import Address, ClusterUrl

__all__ = ["JSON_LINES", "NO_DATABASE", "Body", "Settings", "Wire"]

Settings = Mapping[str, str | int]
Body = bytes | IO[bytes]

JSON_LINES: Final[Settings] = {"default_format": "JSONEachRow", "output_format_json_quote_64bit_integers": 0}
"""For answers of a few rows that are looked into here."""
NO_DATABASE: Final[Settings] = {"database": "default"}
"""For what must work before our own database is there."""

_BLOCK: Final = 1 << 20
_CONNECT_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 600.0
"""Longest silence on an open connection. Dead servers are found by their health checks, long before."""
_IDLE: Final = 8
"""Connections that are kept for the next statement."""


class Wire:
    """One server. Any thread; each statement has a connection to itself."""

    def __init__(self, address: Address, url: ClusterUrl) -> None:
        """Connects when the first statement comes."""
        self.address = address
        self._tls = ssl.create_default_context() if url.secure else None
        self._database = url.database
        login = f"{url.user}:{url.password}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        self._lock = threading.Lock()
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._busy: set[http.client.HTTPConnection] = set()
        self._closed = False

    def query(self, sql: str, settings: Settings | None = None, *, seconds: float = _ANSWER_SECONDS) -> bytes:
        """The whole answer in ``default_format``. Raises ``Away`` (``Slow`` after ``seconds`` without a byte), or what
        the server said.
        """
        with self.stream(sql, settings, seconds=seconds) as answer:
            return answer.all()

    @contextmanager
    def stream(
        self, sql: str, settings: Settings | None = None, *, seconds: float = _ANSWER_SECONDS
    ) -> Iterator[Answer]:
        """The answer as it comes. Leaving the context early ends the statement on the server."""
        parameters = {"cancel_http_readonly_queries_on_client_close": 1, **(settings or {})}
        with self._posted(parameters, sql.encode(), seconds) as response:
            if response.status != http.client.OK:
                raise query_failure(_said(response), sql)
            yield Answer(response, sql)

    def insert(self, sql: str, body: Body, settings: Settings) -> None:
        """Run ``INSERT ... FORMAT ...`` with these bytes as its data; returned, it is stored."""
        with self._posted({"query": sql, **settings}, body, _ANSWER_SECONDS) as response:
            text = _said(response)
            if response.status != http.client.OK:
                raise insert_failure(text)

    def execute(self, sql: str, settings: Settings | None = None) -> None:
        """Run what has no answer: DDL, small inserts."""
        with self._posted(settings or {}, sql.encode(), _ANSWER_SECONDS) as response:
            text = _said(response)
            if response.status != http.client.OK:
                raise insert_failure(text)

    def cut(self) -> None:
        """End every statement that is under way: they raise ``Away``. The wire can be used again."""
        with self._lock:
            idle = list(self._idle)
            self._idle.clear()
            for connection in self._busy:
                _shut(connection)
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """End every statement, and keep no connection from now on: a statement that is begun all the same closes its
        own.
        """
        self._closed = True
        self.cut()

    @contextmanager
    def _posted(self, parameters: Settings, body: Body, seconds: float) -> Iterator[http.client.HTTPResponse]:
        """An answer whose headers are here. The connection is kept when all of it was read."""
        target = f"/?{urlencode({'database': self._database, **parameters})}"
        connection, response = self._begun(target, body, seconds)
        try:
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error
        finally:
            whole = response.isclosed()
            response.close()
            self._let_go(connection, reusable=whole and not response.will_close)

    def _begun(
        self, target: str, body: Body, seconds: float
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        while True:
            connection, used = self._take(seconds)
            try:
                with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why before it had read all
                    connection.request("POST", target, body, self._headers)
                return connection, connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self._let_go(connection, reusable=False)
                # The server may have closed a connection that lay idle: that says nothing of the server.
                if not used or isinstance(error, TimeoutError):
                    raise self._away(error) from error
            if not isinstance(body, bytes):
                body.seek(0)

    def _take(self, seconds: float) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it has been used before."""
        with self._lock:
            used = bool(self._idle)
            connection = self._idle.pop() if used else self._made()
            self._busy.add(connection)
        try:
            if not used:
                connection.connect()
            connection.sock.settimeout(seconds)
        except OSError as error:
            self._let_go(connection, reusable=False)
            raise self._away(error) from error
        return connection, used

    def _made(self) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS, blocksize=_BLOCK)
        return http.client.HTTPSConnection(host, port, timeout=_CONNECT_SECONDS, blocksize=_BLOCK, context=self._tls)

    def _let_go(self, connection: http.client.HTTPConnection, *, reusable: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if reusable and not self._closed and connection.sock is not None and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _away(self, error: Exception) -> LogyardError:
        kind = Slow if isinstance(error, TimeoutError) else Away
        return kind(f"{self.address} is away: {str(error) or type(error).__name__}")


def _said(response: http.client.HTTPResponse) -> str:
    return response.read().decode(errors="replace").strip()


def _shut(connection: http.client.HTTPConnection) -> None:
    """From another thread than the one that reads: that one wakes up with an error, and closes."""
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):  # it was closed meanwhile
            sock.shutdown(socket.SHUT_RDWR)
