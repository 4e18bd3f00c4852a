"""A sink for loguru.

    loguru.logger.add(LogyardSink("http://logs:8005", service="shop"))

Not with ``enqueue=True``: the sink has a queue of its own. loguru itself is not imported.
"""

import contextvars
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, Unpack, cast

from logyard.handler import context as surroundings
from logyard.handler.environment import from_environment
from logyard.handler.exceptions import capture
from logyard.handler.instant import now
from logyard.handler.record import plain_exception
from logyard.handler.settings import Options
from logyard.handler.shipper import Shipper
from logyard.handler.stats import Stats

__all__ = ["LogyardSink"]


class _Message(Protocol):
    """loguru's message: a text that carries its record."""

    record: Mapping[str, object]


class _Named(Protocol):
    name: str


class _Numbered(_Named, Protocol):
    id: int


class _Placed(Protocol):
    path: str


class LogyardSink:
    """Called by loguru for every message."""

    def __init__(self, url: str = "", **options: Unpack[Options]) -> None:
        """As ``LogyardHandler``."""
        self._shipper = Shipper(from_environment(url, options))

    def write(self, message: object) -> None:
        """Queue it."""
        record = cast("_Message", message).record
        moment = record["time"]
        seconds = moment.timestamp() if isinstance(moment, datetime) else now()
        line = self._shipper.encoder.document(seconds, _fields(record))
        self._shipper.put(line, len(line))

    def stop(self) -> None:
        """Called when the sink is removed, and at the end of the program."""
        self._shipper.close()

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until what was logged is sent, at most so long; whether it is."""
        return self._shipper.flush(seconds)

    def stats(self) -> Stats:
        """What became of the messages."""
        return self._shipper.stats()


def _fields(record: Mapping[str, object]) -> dict[str, object]:
    snapshot = contextvars.copy_context()
    trace, span = surroundings.trace(snapshot)
    ids = {"trace_id": trace, "span_id": span} if trace else {}
    known: dict[str, object] = {
        "level": cast("_Named", record["level"]).name,
        "message": record["message"],
        "logger": record["name"],
        "file": cast("_Placed", record["file"]).path,
        "line": record["line"],
        "function": record["function"],
        "process": cast("_Numbered", record["process"]).id,
        "thread": cast("_Named", record["thread"]).name,
    }
    error = getattr(record["exception"], "value", None)
    if isinstance(error, BaseException):
        known["exception"] = plain_exception(capture(error, getattr(record["exception"], "traceback", None)))
    extra = cast("Mapping[str, object]", record["extra"])
    return {**surroundings.fields(snapshot), **ids, **extra, **known}
