"""The five levels of the feeding service, and how they stand to those of a store."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from logyard.model import severity

__all__ = ["STORED", "LogLevel"]


class LogLevel(StrEnum):
    """How serious an entry is, lowest first. ``LogLevel("warn")`` takes every spelling of ``model/severity.py``."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @classmethod
    def _missing_(cls, value: object) -> "LogLevel | None":
        name = severity.parse(value).name if isinstance(value, str) else ""
        return _OTHERS.get(name) or cls.__members__.get(name)


_OTHERS: Final = {"TRACE": LogLevel.DEBUG}
STORED: Final[Mapping[LogLevel, tuple[str, ...]]] = {
    **{level: (level.value,) for level in LogLevel},
    LogLevel.DEBUG: ("DEBUG", "TRACE"),
    LogLevel.INFO: ("INFO", ""),
}
"""Levels in a store that count as this one: others than this service write there, with a level more and without any."""
