"""A live tail that outlives its connections: state, without the connection itself.

The server names every row (SSE's ``id``); whoever comes back says the last one it had (``Last-Event-ID``) and gets what
came in meanwhile, once. What a restarted server says again is left out.
"""

import random
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from logyard.client.answers import Row
from logyard.client.asking import Ask
from logyard.client.rows import Lines
from logyard.errors import BadQuery

__all__ = ["Missed", "Tailing"]

_REMEMBERED: Final = 100_000
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 15.0


class Missed(msgspec.Struct, frozen=True):
    """Rows that this reader, or the server, was too slow for."""

    count: int
    exact: bool = True


class _Problem(msgspec.Struct):
    detail: str = ""


class Tailing:
    """One tail over as many connections as it takes."""

    def __init__(self, query: str, history: int, resume: str) -> None:
        """``history``: so many stored rows come first. ``resume``: go on behind the row with this id."""
        self._query = query
        self._history = history
        self._last = resume
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lines = Lines()
        self._failures = 0
        self._id, self._event = "", b""

    def ask(self) -> Ask:
        """The next connection's request."""
        self._lines = Lines()
        parameters: dict[str, str | int] = {"query": self._query, "format": "sse"}
        headers = {"Accept": "text/event-stream"}
        if self._last:
            headers["Last-Event-ID"] = self._last
        elif self._history:
            parameters["limit"] = self._history
        return Ask(path="/api/v1/tail", parameters=parameters, headers=headers)

    def pause(self) -> float:
        """Seconds to wait after a connection has ended: full jitter."""
        self._failures += 1
        return random.random() * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures, 16))  # noqa: S311 - jitter

    def heard(self, piece: bytes) -> Iterator[Row | Missed]:
        """What a piece of the answer brings. Raises ``BadQuery`` for what the server gives up."""
        self._failures = 0
        for line in self._lines.add(piece):
            name, _, value = line.rstrip(b"\r").partition(b": ")
            if name == b"id":
                self._id = value.decode()
            elif name == b"event":
                self._event = value
            elif name == b"data":
                yield from self._told(value)
            elif not name:
                self._id, self._event = "", b""

    def _told(self, data: bytes) -> Iterator[Row | Missed]:
        if self._event == b"error":
            raise BadQuery(msgspec.json.decode(data, type=_Problem).detail or "the server ended the tail")
        if self._event == b"missed":
            yield msgspec.json.decode(data, type=Missed)
        elif self._event == b"log" and self._is_new(self._id):
            yield msgspec.json.decode(data, type=dict)

    def _is_new(self, name: str) -> bool:
        if not name:
            return True  # a query whose pipes take the ids away
        self._last = name
        if name in self._seen:
            return False
        self._seen[name] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True
