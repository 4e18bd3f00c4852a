"""Tables that lie in files, and are read again when these change."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from logyard.errors import BadConfig

__all__ = ["Reloaded"]

Table = TypeVar("Table")
_log = logging.getLogger("logyard")


class Reloaded(Generic[Table]):
    """A file, read. Any thread."""

    def __init__(self, file: Path, read: Callable[[Path], Table]) -> None:
        """``read`` raises ``BadConfig`` or ``OSError`` for a file that cannot be used. Raises ``BadConfig``."""
        self._file = file
        self._read = read
        self._lock = Lock()
        try:
            self._stamp = self._look()
            self._table = read(file)
        except OSError as error:
            raise BadConfig(f"cannot read {file}: {error.strerror}", path="file") from error

    def table(self) -> Table:
        """As the file is now; while it is away or cannot be used, as it was."""
        with self._lock:
            try:
                stamp = self._look()
                if stamp != self._stamp:
                    self._stamp = stamp
                    self._table = self._read(self._file)
            except (OSError, BadConfig) as error:
                _log.debug("%s cannot be read again, the table stays as it was: %s", self._file, error)
            return self._table

    def _look(self) -> tuple[int, int]:
        found = self._file.stat()
        return found.st_mtime_ns, found.st_ino
