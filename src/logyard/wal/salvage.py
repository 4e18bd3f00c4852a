"""What of a segment's bytes can be believed: the whole frames that verify, and the bytes between them that
do not.

After a bad frame the search goes on at the end that the frame itself names, if a good frame begins there,
and else at the next magic. Bytes at the end that look like a frame cut short are *torn*: a write that never
finished, so never acknowledged. Everything else is *corrupt*: kept aside in a file of its own, and counted.
"""

from pathlib import Path

import msgspec

from logyard.errors import Corrupt
from logyard.wal.disk import Disk, replace_file
from logyard.wal.record import MAGIC, Header, header_at, is_cut_short, verify

__all__ = ["Survey", "put_aside", "survey"]


class Survey(msgspec.Struct, frozen=True):
    """The frames of a segment, in order, and the spans ``(begin, end)`` that are none."""

    good: list[Header]
    corrupt: list[tuple[int, int]]
    torn: int = 0
    """Bytes at the end that were never acknowledged."""

    @property
    def end(self) -> int:
        """End of the last good frame."""
        return self.good[-1].end if self.good else 0


def survey(data: bytes, limit: int) -> Survey:
    """Look at every byte of ``data`` up to ``limit``. Never raises."""
    good: list[Header] = []
    corrupt: list[tuple[int, int]] = []
    at = 0
    while at < limit:
        frame = _frame_at(data, at, limit)
        if frame is None:
            resumed = _next_frame(data, at, limit)
            if resumed == limit and _is_torn(data, at, limit):
                return Survey(good, corrupt, limit - at)
            corrupt.append((at, resumed))
            at = resumed
        else:
            good.append(frame)
            at = frame.end
    return Survey(good, corrupt)


def put_aside(disk: Disk, path: Path, remains: bytes) -> None:
    """Keep bytes that failed in ``path``, after what is there already; the same bytes twice are kept once."""
    before = disk.read(path) if path.name in disk.list(path.parent) else b""
    if remains and remains not in before:
        replace_file(disk, path, [before, remains])


def _frame_at(data: bytes, at: int, limit: int) -> Header | None:
    try:
        header = header_at(data, at, limit)
        verify(data, header, limit)
    except Corrupt:
        return None
    return header


def _next_frame(data: bytes, at: int, limit: int) -> int:
    """Where the next good frame begins, ``limit`` if nowhere."""
    try:
        end = header_at(data, at, limit).end
    except Corrupt:
        end = limit + 1
    if end == limit or (end < limit and _frame_at(data, end, limit)):
        return end
    found = data.find(MAGIC, at + 1, limit)
    while found >= 0:
        if _frame_at(data, found, limit):
            return found
        found = data.find(MAGIC, found + 1, limit)
    return limit


def _is_torn(data: bytes, at: int, limit: int) -> bool:
    """A frame cut short, or room that was allocated and never written."""
    if not data[at:limit].strip(b"\0"):
        return True
    return is_cut_short(data, at, limit)
