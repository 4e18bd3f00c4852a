"""A live tail that outlives its connections: what came in while the line was down is fetched, once.

After a break the tail names the last row it had (``Last-Event-ID``, as browsers do for SSE); the server knows
in which order rows were acknowledged and goes on behind that one. A query whose pipes take the ids away has
no such row: it goes on by time.
"""

import random
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final, cast
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec.structs import replace

from logyard.cli.asking import Question
from logyard.cli.options import Output
from logyard.cli.output import write
from logyard.cli.remote import LOOPBACK, refusal
from logyard.cli.rows import TAIL_COLUMNS, Printer, Row, printer
from logyard.clock import Clock, SystemClock
from logyard.errors import BadInput, BadQuery, LogyardError, MissingPart, NotNow, StoreFailed
from logyard.model import timestamp

try:
    from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
    from websockets.sync.client import ClientConnection, connect
except ImportError as error:
    raise MissingPart("a live tail", "server") from error

__all__ = ["Message", "follow_live"]

_OPEN_SECONDS: Final = 10.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 15.0
_REMEMBERED: Final = 100_000
"""Ids kept to tell what was printed already; the server may say a row again after its own restart."""
_SILENCE_SECONDS: Final = 45.0
"""The server speaks every 15 s; after three of them the line counts as dead."""


class Message(msgspec.Struct, frozen=True):
    """What the server says: ``rows``, ``missed`` or ``error``."""

    type: str
    rows: list[dict[str, object]] = []
    count: int = 0
    detail: str = ""


def follow_live(url: str, question: Question) -> int:
    """Print what matches as it arrives, until Ctrl-C or until the question's end. The exit code."""
    shown = question.style
    if shown.output is Output.CSV and not shown.fields:
        shown = replace(shown, fields=TAIL_COLUMNS)
    out = printer(shown)
    write(out.begin())
    for message in _Following(url, question, SystemClock()).messages():
        _show(message, out)
    write(out.end())
    return 0


def _show(message: Message, out: Printer) -> None:
    if message.type == "rows":
        write(out.rows(cast("list[Row]", message.rows)))
    elif message.type == "missed":
        sys.stderr.write(f"logyard: {message.count} rows missed: they came faster than they were read\n")
    elif message.type == "error":
        raise BadQuery(message.detail or "the server ended the tail")


class _Following:
    """One tail over as many connections as it takes."""

    def __init__(self, url: str, question: Question, clock: Clock) -> None:
        self._address = _address(url)
        self._question = question
        self._clock = clock
        self._end = int(question.end.removeprefix("@")) if question.end else None
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._last_time = clock.now()
        self._last_id = ""
        self._connected = False
        self._heard = False

    def messages(self) -> Iterator[Message]:
        """Everything the server says, over one connection after the other.

        Raises ``BadInput`` for what the server will never do, ``NotNow`` when there is none to begin with.
        """
        ceiling = _FIRST_PAUSE
        while not self._is_over():
            try:
                for message in self._one_connection():
                    ceiling = _FIRST_PAUSE
                    yield message
            except (OSError, EOFError, WebSocketException, NotNow, StoreFailed) as error:
                if not self._heard:
                    raise self._hopeless(error) from error
                if ceiling == _FIRST_PAUSE:
                    sys.stderr.write(f"logyard: lost the server ({error}); trying again\n")
            time.sleep(random.random() * ceiling)  # noqa: S311 - jitter
            ceiling = min(2 * ceiling, _LONGEST_PAUSE)

    def _hopeless(self, error: Exception) -> LogyardError:
        """What to say when the server has never said anything."""
        if isinstance(error, LogyardError):
            return error
        if self._connected:
            return StoreFailed(f"{self._address} gives no tail: {error}")
        return NotNow(f"cannot reach {self._address}: {error}. 'logyard up' starts a server.")

    def _one_connection(self) -> Iterator[Message]:
        known = frozenset(self._seen)
        with self._connect() as socket:
            self._connected = True
            while not self._is_over():
                text = self._next(socket)
                if text is not None:
                    self._heard = True
                    message = msgspec.json.decode(text, type=Message)
                    yield self._without(known, message)

    def _connect(self) -> ClientConnection:
        try:
            return connect(
                f"{self._address}?{urlencode(self._parameters())}",
                additional_headers={"Last-Event-ID": self._last_id} if self._last_id else None,
                max_size=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=1,
                # A proxy is for the world outside.
                proxy=None if urlsplit(self._address).hostname in LOOPBACK else True,
            )
        except InvalidStatus as error:
            raise _refusal(error) from error
        except InvalidURI as error:
            raise BadInput(f"{self._address} is no address of a server: {error}") from error

    def _parameters(self) -> dict[str, str | int]:
        parameters = self._question.parameters
        if self._connected:
            parameters |= {"start": f"@{self._last_time + 1}", "limit": _REMEMBERED}
        return parameters

    def _next(self, socket: ClientConnection) -> str | bytes | None:
        """The next message; ``None`` when the tail's end has come. Raises ``TimeoutError`` on a dead line."""
        patience = _SILENCE_SECONDS
        if self._end is not None:
            patience = min(patience, max(0.0, (self._end - self._clock.now()) / timestamp.SECOND))
        try:
            return socket.recv(timeout=patience)
        except TimeoutError:
            if self._is_over():
                return None
            raise

    def _is_over(self) -> bool:
        return self._end is not None and self._clock.now() >= self._end

    def _without(self, known: frozenset[str], message: Message) -> Message:
        """The message without the rows that an earlier connection brought."""
        rows = [row for row in message.rows if row.get("id") not in known]
        for row in rows:
            self._remember(row)
        return replace(message, rows=rows)

    def _remember(self, row: Mapping[str, object]) -> None:
        name, at = row.get("id"), row.get("timestamp")
        if isinstance(name, str):
            self._last_id = name
            self._seen[name] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        if isinstance(at, str):
            self._last_time = max(self._last_time, timestamp.parse(at) or 0)


def _address(url: str) -> str:
    """``http://host`` as ``ws://host/api/v1/tail``."""
    scheme, found, rest = url.rstrip("/").partition("://")
    if not found:
        scheme, rest = "http", url.rstrip("/")
    schemes = {"http": "ws", "https": "wss"}
    if scheme not in schemes:
        raise BadInput(f"{url} is no address of a server: it should begin with http:// or https://")
    return f"{schemes[scheme]}://{rest}/api/v1/tail"


def _refusal(error: InvalidStatus) -> LogyardError:
    status, body = error.response.status_code, bytes(error.response.body or b"")
    return refusal(status, body, is_query=True)
