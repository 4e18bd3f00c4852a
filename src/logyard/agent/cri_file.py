"""Reading a CRI log file (``cri.py``): from a time on, its last lines, or following it while it grows and is rotated.

Files are read on the event loop: they lie in the page cache, and a piece is a fraction of a millisecond. A file that is
followed is looked at every 10 to 50 ms. Rotation: the file at the path is another
one, or shorter than it was. The rest of the old one is read first.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from logyard.agent.cri import CriParser, time_of
from logyard.agent.driver import Line, Reading
from logyard.errors import Corrupt

__all__ = ["cri_lines"]

_PIECE: Final = 1 << 18
_LOOK_AGAIN: Final = 0.01
_LONGEST_PAUSE: Final = 0.05
_ASK_AFTER: Final = 0.2
"""Seconds of silence after which the engine is asked whether the container still runs."""
_LONGEST: Final = 1 << 17
"""Bytes of a line of this format, at most: it is cut after 16 KB."""

Ended = Callable[[], Awaitable[bool]]


async def cri_lines(path: Path, reading: Reading, ended: Ended) -> AsyncIterator[Sequence[Line]]:
    """``Driver.lines`` for a file. ``ended`` is asked at the end of the file, when following, whether more can come."""
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return
    with file:
        parser = CriParser()
        if reading.tail:
            yield _last(file, reading.tail)
            return
        if reading.since:
            file.seek(_place(file, reading.since))
        async for lines in _to_end(file, parser):
            yield lines
        if reading.follow:
            async for lines in _growing(file, path, parser=parser, ended=ended):
                yield lines
        if lines := parser.rest():
            yield lines


async def _to_end(file: BinaryIO, parser: CriParser) -> AsyncIterator[Sequence[Line]]:
    while piece := file.read(_PIECE):
        if lines := parser.feed(piece):
            yield lines
        await asyncio.sleep(0)


async def _growing(file: BinaryIO, path: Path, *, parser: CriParser, ended: Ended) -> AsyncIterator[Sequence[Line]]:
    """What comes after the end, until there is nothing more to come."""
    pause, last, quiet = _LOOK_AGAIN, False, 0.0
    while True:
        silent = True
        async for lines in _to_end(file, parser):
            silent = False
            yield lines
        if last and silent:
            return
        pause = min(_LONGEST_PAUSE, 1.5 * pause) if silent else _LOOK_AGAIN
        quiet = quiet + pause if silent else 0.0
        last = last or _is_rotated(file, path)
        if quiet > _ASK_AFTER and not last:
            last, quiet = await ended(), 0.0
        if not last:
            await asyncio.sleep(pause)


def _is_rotated(file: BinaryIO, path: Path) -> bool:
    mine = os.fstat(file.fileno())
    try:
        there = path.stat()
    except FileNotFoundError:
        return True
    return there.st_ino != mine.st_ino or there.st_size < file.tell()


def _last(file: BinaryIO, count: int) -> Sequence[Line]:
    """At least the last ``count`` lines, beginning with a whole one and with all lines of its time."""
    size = os.fstat(file.fileno()).st_size
    wanted = _PIECE
    while True:
        start = max(0, size - wanted)
        file.seek(start)
        data = file.read(size - start)
        parser = CriParser()
        lines = parser.feed(data if start == 0 else data.partition(b"\n")[2])
        lines += parser.rest()
        if start == 0:
            return lines
        whole = [line for line in lines if line.time != lines[0].time] if lines else []
        if len(whole) >= count:
            return whole
        wanted *= 4


def _place(file: BinaryIO, since: int) -> int:
    """Where to begin, so that no line from ``since`` on is missed; halves the file until that is cheap."""
    low, high = 0, os.fstat(file.fileno()).st_size
    while high - low > _PIECE:
        middle = (low + high) // 2
        start, time = _line_after(file, middle)
        if time is not None and time < since:
            low = start
        else:
            high = middle
    return low


def _line_after(file: BinaryIO, offset: int) -> tuple[int, int | None]:
    """The first line that begins behind ``offset``: its place, and its time."""
    file.seek(offset)
    text = file.read(_LONGEST)
    skipped, feed, rest = text.partition(b"\n")
    line = rest.partition(b"\n")[0]
    try:
        return offset + len(skipped) + 1, time_of(line) if feed and line else None
    except Corrupt:
        return offset, None
