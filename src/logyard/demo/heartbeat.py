"""The logger service: a line every few seconds, to the console and to a rotating file, by Python's own ``logging``."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import msgspec

from logyard.demo.pace import SECOND, Pace
from logyard.errors import BadConfig

__all__ = ["LEVELS", "Heartbeat", "beat"]

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LOGGER: Final = "logger-service"


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """How it beats."""

    frequency: float
    """Seconds between beats, above 0."""
    level: str
    """Lines below it are not written; a beat is INFO, and DEBUG says more about it."""
    format: str
    """Of the lines, as ``logging`` reads it: ``%(asctime)s ...``."""
    file: Path
    limit: int
    """Bytes of a file before it is rotated."""
    backups: int
    end: int | None = None
    """Nanoseconds since the Unix epoch, exclusive; None: no end."""


def beat(heartbeat: Heartbeat, pace: Pace) -> None:
    """Until its end or until the pace is stopped. Raises ``BadConfig`` when it cannot be as it is asked for."""
    with _logger(heartbeat) as logger:
        began = pace.now()
        for number in count():
            uptime = number * heartbeat.frequency
            instant = began + int(uptime * SECOND)
            if (heartbeat.end is not None and instant >= heartbeat.end) or not pace.reach(instant):
                return
            _log(logger, logging.INFO, f"Heartbeat {number + 1}: service is running", instant=instant)
            _log(logger, logging.DEBUG, f"Heartbeat {number + 1}: up for {uptime:g} s", instant=instant)


def _log(logger: logging.Logger, level: int, message: str, *, instant: int) -> None:
    if not logger.isEnabledFor(level):
        return
    record = logger.makeRecord(logger.name, level, __file__, 0, message, (), None, "beat")
    record.created = instant / SECOND
    record.msecs = instant % SECOND // 1_000_000
    logger.handle(record)


@contextmanager
def _logger(heartbeat: Heartbeat) -> Iterator[logging.Logger]:
    """A logger of its own, so that nobody else's settings reach it."""
    logger = logging.Logger(_LOGGER, _level(heartbeat.level))  # noqa: LOG001 - a registered one would be shared
    formatter = _formatter(heartbeat.format)
    handlers: list[logging.Handler] = [_file(heartbeat), _Console(sys.stdout)]
    for handler in handlers:
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    try:
        yield logger
    finally:
        for handler in handlers:
            handler.close()


class _Console(logging.StreamHandler):  # type: ignore[type-arg]  # generic for the type checker only
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A reader that went away ends the program; everything else is said as ``logging`` says it."""
        error = sys.exc_info()[1]
        if isinstance(error, BrokenPipeError):
            raise error
        super().handleError(record)


def _level(name: str) -> int:
    words = {"WARN": "WARNING", "FATAL": "CRITICAL"}
    level = name.strip().upper()
    level = words.get(level, level)
    if level not in LEVELS:
        raise BadConfig(f"{name!r} is none of {', '.join(LEVELS)}", path="LOG_LEVEL")
    return int(logging.getLevelName(level))


def _formatter(text: str) -> logging.Formatter:
    try:
        formatter = logging.Formatter(text)
        formatter.format(logging.makeLogRecord({"name": _LOGGER, "msg": "", "levelname": "INFO"}))
    except (ValueError, TypeError) as error:
        raise BadConfig(f"{text!r} is no format of Python's logging: {error}", path="LOG_FORMAT") from error
    return formatter


def _file(heartbeat: Heartbeat) -> RotatingFileHandler:
    try:
        heartbeat.file.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            heartbeat.file, maxBytes=heartbeat.limit, backupCount=heartbeat.backups, encoding="utf-8"
        )
    except OSError as error:
        raise BadConfig(f"cannot write {heartbeat.file}: {error.strerror}", path="LOG_FILE") from error
