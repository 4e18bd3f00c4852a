"""Tail events as bytes, one function for each protocol. What each looks like is in ``serve/http/tail.py``."""

from collections.abc import Callable

import msgspec

from logyard.model.timestamp import format_ns
from logyard.stream.chunk import Chunk, Missed
from logyard.stream.tail import TailEvent
from logyard.types import LogId

__all__ = [
    "error_event",
    "error_message",
    "ndjson",
    "ndjson_error",
    "server_sent",
    "victoria",
    "victoria_note",
    "websocket",
]


def websocket(event: TailEvent) -> str:
    """The text of one message."""
    if isinstance(event, Chunk):
        return (b'{"type":"rows","rows":[' + b",".join(event.lines) + b"]}").decode()
    if isinstance(event, Missed):
        return _text({"type": "missed", "count": event.count, "exact": event.exact})
    return '{"type":"heartbeat"}'


def error_message(detail: str) -> str:
    """The last message before a WebSocket is closed for a reason."""
    return _text({"type": "error", "detail": detail})


def server_sent(event: TailEvent, show_id: Callable[[LogId], str]) -> bytes:
    """Events of a stream (WHATWG HTML, "Server-sent events"), a row an event."""
    if isinstance(event, Chunk):
        rows = zip(event.ids, event.lines, strict=True)
        return b"".join(b"id: %b\nevent: log\ndata: %b\n\n" % (show_id(key).encode(), line) for key, line in rows)
    if isinstance(event, Missed):
        return b"event: missed\ndata: %b\n\n" % _text({"count": event.count, "exact": event.exact}).encode()
    return b":\n\n"


def error_event(detail: str) -> bytes:
    """The last event before an SSE stream ends for a reason."""
    return b"event: error\ndata: %b\n\n" % _text({"detail": detail}).encode()


def ndjson(event: TailEvent) -> bytes:
    """A row a line; lost rows as ``{"_missed":n}``; an empty line as heartbeat."""
    if isinstance(event, Chunk):
        return b"\n".join(event.lines) + b"\n"
    if isinstance(event, Missed):
        return b'{"_missed":%d}\n' % event.count
    return b"\n"


def ndjson_error(detail: str) -> bytes:
    """The last line of a stream that ends for a reason."""
    return _text({"_error": detail}).encode() + b"\n"


def victoria(event: TailEvent, now: int) -> bytes:
    """A row a line, nothing else: its clients read every line as a log entry, so lost rows are told as
    one.
    """
    if isinstance(event, Chunk):
        return b"\n".join(event.lines) + b"\n"
    if isinstance(event, Missed):
        return victoria_note(f"{event.count} rows missed", now)
    return b""


def victoria_note(words: str, now: int) -> bytes:
    """A word from the server itself, in the only form that VictoriaLogs' clients show."""
    return _text({"_time": format_ns(now), "_stream": "{}", "_msg": f"logyard: {words}"}).encode() + b"\n"


def _text(message: dict[str, str | int | bool]) -> str:
    return msgspec.json.encode(message).decode()
