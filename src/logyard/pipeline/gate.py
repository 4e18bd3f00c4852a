"""The levels that pass, changed while running.

A gate has a lowest level for all services and others for some. They are changed by a call (``PUT
/api/v1/admin/levels``) or in a file of two kinds of lines, which is looked at again whenever it has changed:

    minimum = "WARNING"
    [services]
    checkout = "DEBUG"
"""

import logging
import tomllib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model import severity

__all__ = ["Gate", "Gates", "Levels"]

_log = logging.getLogger("logyard")
_NOTHING: Final = (0, 0)


class Levels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What passes. Any spelling of a level; "" lets everything pass."""

    minimum: str = ""
    services: dict[str, str] = {}

    def check(self, path: str = "minimum") -> None:
        """Raise ``BadConfig`` for what is no level."""
        for name in [self.minimum, *self.services.values()]:
            if name and not severity.parse(name).name:
                raise BadConfig(f"{name!r} is no level; there are: {', '.join(severity.LEVELS)}", path=path)


class Gate:
    """Any thread."""

    def __init__(self, levels: Levels, file: Path | None = None) -> None:
        """``file``: where there is one, what it says counts from the first batch on. Raises ``BadConfig``."""
        levels.check()
        self._levels = levels
        self._file = file
        self._seen: tuple[int, int] = _NOTHING
        self._lock = Lock()

    @property
    def levels(self) -> Levels:
        """As they are now."""
        with self._lock:
            self._look()
            return self._levels

    def change(self, levels: Levels) -> None:
        """From the next batch on; into the file, too, where there is one. Raises ``BadConfig``, ``OSError``."""
        levels.check()
        with self._lock:
            if self._file is not None:
                draft = self._file.with_name(self._file.name + ".tmp")
                draft.write_text(_toml(levels))
                draft.replace(self._file)
                self._seen = _stamp(self._file)
            self._levels = levels

    def passes(self, frame: pl.DataFrame) -> pl.Series:
        """A boolean a record; one without a level passes."""
        levels = self.levels
        lowest = _rank(levels.minimum)
        if not levels.services:
            return (frame["severity"] == 0) | (frame["severity"] >= lowest)
        own = {service: _rank(level) for service, level in levels.services.items()}
        bounds = frame["service"].replace_strict(own, default=lowest, return_dtype=pl.UInt8)
        return (frame["severity"] == 0) | (frame["severity"] >= bounds)

    def _look(self) -> None:
        """Read the file if it is another than before. One that cannot be used leaves everything as it was."""
        if self._file is None or (stamp := _stamp(self._file)) == self._seen:
            return
        self._seen = stamp
        if stamp == _NOTHING:
            return
        try:
            levels = msgspec.convert(tomllib.loads(self._file.read_text("utf-8")), Levels)
            levels.check(str(self._file))
            self._levels = levels
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, BadConfig) as error:
            _log.warning("%s cannot be used, the levels stay as they are: %s", self._file, error)


Gates = Mapping[str, Gate]
"""By the names of their steps."""


def _rank(level: str) -> int:
    return (severity.parse(level).severity - 1) // 4 * 4 + 1 if level else 0


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return _NOTHING
    return found.st_mtime_ns, found.st_ino


def _toml(levels: Levels) -> str:
    def quoted(text: str) -> str:
        return msgspec.json.encode(text).decode()

    lines = [f"minimum = {quoted(levels.minimum)}", "", "[services]"]
    return "\n".join([*lines, *(f"{quoted(name)} = {quoted(level)}" for name, level in levels.services.items()), ""])
