"""The log of one process: a CRI file (``cri.py``), rotated once it is large.

So a chatty process cannot fill the disk. The old file goes when the next one is full: a reader who is that far behind
is told of a gap.
"""

import logging
import os
from pathlib import Path
from typing import Final

from logyard.agent.cri import written
from logyard.agent.driver import Line
from logyard.clock import Clock

__all__ = ["LogFile"]

_PIECE: Final = 16_384
_log = logging.getLogger("logyard")


class LogFile:
    """Output in, lines with times on the disk. One writer."""

    def __init__(self, path: Path, clock: Clock, *, most: int) -> None:
        """``most``: bytes after which the file is rotated."""
        self._path, self._clock, self._most = path, clock, most
        self._file = path.open("ab", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._time = 0
        self._rest: dict[int, bytes] = {}

    def add(self, stream: int, data: bytes) -> None:
        """Whole lines are written at once; the beginning of one waits for its end, up to 16 KB."""
        *whole, rest = (self._rest.pop(stream, b"") + data).split(b"\n")
        out = [written(Line(self._now(), stream, line + b"\n")) for line in whole]
        if len(rest) >= _PIECE:
            out.append(written(Line(self._now(), stream, rest)))
            rest = b""
        if rest:
            self._rest[stream] = rest
        self._write(b"".join(out))

    def end(self) -> None:
        """The process is gone: what waits for its end is written as it stands."""
        for stream, rest in sorted(self._rest.items()):
            self._write(written(Line(self._now(), stream, rest)))
        self._rest.clear()
        self._file.close()

    def _write(self, data: bytes) -> None:
        if self._size and self._size + len(data) > self._most:
            self._file.close()
            self._path.replace(self._path.with_suffix(".old"))
            self._file = self._path.open("ab", buffering=0)
            self._size = 0
        try:
            self._file.write(data)
        except OSError as error:
            # The process must not suffer from a full disk, and neither must those who read.
            _log.error("lines are lost: cannot write %s: %s", self._path, error.strerror)
        self._size += len(data)

    def _now(self) -> int:
        """Never the same twice, never back: a time names a line."""
        self._time = max(self._time + 1, self._clock.now())
        return self._time
