"""Named cursors: how far each reader of the log has come, one small file each.

``cursors/store`` holds ``42 1f0b7a2c``: the number of the next segment that this reader wants, and the crc
of that number, so that a flipped bit makes a reader see a segment again and never miss one. The number is
replaced atomically.
"""

import contextlib
import re
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from logyard.wal.disk import Disk, replace_file

__all__ = ["CursorTable", "Cursors", "is_cursor_name"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class CursorTable(Protocol):
    """Where the readers stand, by name. Any thread. ``Cursors`` keeps it in files."""

    def all(self) -> Mapping[str, int]:
        """Number of the next segment by cursor."""
        ...

    def next(self, name: str) -> int:
        """Number of the next segment that ``name`` wants. Raises ``KeyError``."""
        ...

    def low(self) -> int:
        """Every cursor has passed what lies below; 0 without cursors: nothing goes."""
        ...

    def set(self, name: str, number: int) -> None:
        """Move. Raises ``ValueError`` for a bad name; ``OSError`` or ``NotNow``: it has not moved."""
        ...

    def pass_over(self, name: str, number: int) -> None:
        """Move in this process only."""
        ...

    def remove(self, name: str) -> None:
        """Forget the reader. Raises as ``set`` does."""
        ...


class Cursors:
    """All cursors of one log. Any thread; the methods that write may raise ``OSError``."""

    def __init__(self, disk: Disk, directory: Path) -> None:
        """Reads what is there; a file that fails its checksum starts again at the oldest segment."""
        self._disk = disk
        self._directory = directory
        self._writing = threading.Lock()
        disk.make_directory(directory)
        names = [name for name in disk.list(directory) if is_cursor_name(name)]
        self._next = {name: _parse(disk.read(directory / name)) for name in names}

    def all(self) -> Mapping[str, int]:
        """Number of the next segment by cursor."""
        return dict(self._next)

    def next(self, name: str) -> int:
        """Number of the next segment that ``name`` wants. Raises ``KeyError`` for a name that nobody
        registered.
        """
        return self._next[name]

    def low(self) -> int:
        """Every cursor has passed what lies below; 0 without cursors: nothing goes."""
        return min(self._next.values(), default=0)

    def set(self, name: str, number: int) -> None:
        """Move, durably. Raises ``ValueError`` for what cannot be a file name."""
        if not is_cursor_name(name):
            raise ValueError(f"{name!r} is no name for a cursor")
        text = str(number).encode()
        with self._writing:
            replace_file(self._disk, self._directory / name, [b"%s %08x\n" % (text, zlib.crc32(text))])
            self._next = {**self._next, name: number}

    def pass_over(self, name: str, number: int) -> None:
        """Move in this process only: for when the disk has no room and the segment's file is gone."""
        self._next = {**self._next, name: number}

    def remove(self, name: str) -> None:
        """Forget the reader: it holds no segment any more."""
        with self._writing, contextlib.suppress(FileNotFoundError):  # forgotten before
            self._disk.unlink(self._directory / name)
        self._next = {other: number for other, number in self._next.items() if other != name}


def is_cursor_name(text: str) -> bool:
    """Whether a reader may be called so, here or elsewhere."""
    return _NAME.fullmatch(text) is not None and not text.endswith(".tmp")


def _parse(raw: bytes) -> int:
    number, _, check = raw.strip().partition(b" ")
    sound = number.isdigit() and check == b"%08x" % zlib.crc32(number)
    return int(number) if sound else 0
