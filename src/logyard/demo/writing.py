"""Log files as programs write them: whole lines, appended, rotated by size."""

from pathlib import Path
from typing import Final, Self

from logyard.errors import BadConfig

__all__ = ["BACKUPS", "ROTATE_BYTES", "LogDirectory", "RotatingFile"]

ROTATE_BYTES: Final = 64 << 20
"""A demo that is forgotten must not fill the disk."""
BACKUPS: Final = 2


class RotatingFile:
    """A file that is renamed to ``name.1``, and ``name.1`` to ``name.2``, before it grows beyond a size.

    Lines are never split between files. Each write is one call of the system, so a reader sees whole lines. One thread.
    """

    def __init__(self, path: Path, *, limit: int = ROTATE_BYTES, backups: int = BACKUPS) -> None:
        """``limit`` in bytes, 0 for none; of ``backups`` 0 the file begins anew. Raises ``OSError``."""
        self._path = path
        self._limit = limit
        self._backups = backups
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    @property
    def empty(self) -> bool:
        """Nothing is in the present file."""
        return not self._size

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises ``OSError``."""
        while lines:
            fitting = self._fitting(lines)
            self._append(lines[:fitting])
            lines = lines[fitting:]
            if lines:
                self._rotate()

    def close(self) -> None:
        """No write comes after this."""
        self._file.close()

    def _fitting(self, lines: bytes) -> int:
        """How much of it this file takes: whole lines within the limit, and one line when it is empty."""
        room = self._limit - self._size
        if not self._limit or len(lines) <= room:
            return len(lines)
        fitting = lines.rfind(b"\n", 0, max(0, room)) + 1
        return fitting if fitting or self._size else lines.index(b"\n") + 1

    def _append(self, lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._size += len(lines)

    def _rotate(self) -> None:
        self._file.close()
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, self._backups + 1))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            if newer.exists():
                newer.replace(older)
        if not self._backups:
            self._path.unlink()
        self._file = self._path.open("ab", buffering=0)
        self._size = 0


class LogDirectory:
    """Where the programs of a demo write. A context closes all files."""

    def __init__(self, path: Path) -> None:
        """Makes the directory where it is missing. Raises ``BadConfig`` when nothing can be written there."""
        self._path = path
        self._files: list[RotatingFile] = []
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def open(self, name: str) -> RotatingFile:
        """A file to append to. Raises ``BadConfig``."""
        try:
            file = RotatingFile(self._path / name)
        except OSError as error:
            raise self._unusable(error) from error
        self._files.append(file)
        return file

    def _unusable(self, error: OSError) -> BadConfig:
        reason = f"cannot write logs into {self._path}: {error.strerror}; name another directory"
        return BadConfig(reason, path="--logs")
