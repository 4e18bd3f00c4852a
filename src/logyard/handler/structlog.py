"""A processor for structlog: sends a copy of every event and hands the event on, unchanged.

    structlog.configure(processors=[
        structlog.contextvars.merge_contextvars,
        LogyardProcessor("http://logs:8005", service="shop"),
        structlog.dev.ConsoleRenderer(),
    ])

Put it before the renderer. structlog itself is not imported.
"""

import contextvars
import sys
from collections.abc import MutableMapping
from typing import Final, Unpack

from logyard.handler import context as surroundings
from logyard.handler.environment import from_environment
from logyard.handler.exceptions import capture
from logyard.handler.instant import now
from logyard.handler.record import plain_exception
from logyard.handler.settings import Options
from logyard.handler.shipper import Shipper
from logyard.handler.stats import Stats

__all__ = ["LogyardProcessor"]

_LEVELS: Final = {"warn": "WARNING", "exception": "ERROR", "fatal": "CRITICAL", "msg": "INFO"}
_TAKEN: Final = ("event", "level", "exc_info", "timestamp")
_INTERNAL: Final = ("_record", "_from_structlog", "_logger", "_name")


class LogyardProcessor:
    """Called by structlog for every event."""

    def __init__(self, url: str = "", **options: Unpack[Options]) -> None:
        """As ``LogyardHandler``."""
        self._shipper = Shipper(from_environment(url, options))

    def __call__(self, logger: object, method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
        """Queue a copy; the event goes on as it is."""
        snapshot = contextvars.copy_context()
        fields = {name: value for name, value in event.items() if name not in _TAKEN and name not in _INTERNAL}
        trace, span = surroundings.trace(snapshot)
        ids = {"trace_id": trace, "span_id": span} if trace else {}
        level = str(event.get("level", method))
        known = {
            "level": _LEVELS.get(level.lower(), level.upper()),
            "message": event.get("event", ""),
            "logger": getattr(logger, "name", None),
            "time": event.get("timestamp"),
        }
        error = _error(event.get("exc_info"))
        if error is not None:
            known["exception"] = plain_exception(capture(error))
        line = self._shipper.encoder.document(now(), {**surroundings.fields(snapshot), **ids, **fields, **known})
        self._shipper.put(line, len(line))
        return event

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until what was logged is sent, at most so long; whether it is."""
        return self._shipper.flush(seconds)

    def close(self) -> None:
        """Flush and end."""
        self._shipper.close()

    def stats(self) -> Stats:
        """What became of the events."""
        return self._shipper.stats()


def _error(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) > 1 and isinstance(given[1], BaseException):
        return given[1]
    return sys.exception() if given is True else None
