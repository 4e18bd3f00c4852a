"""A place in a container's log, so that a reader can go on behind it without gap or duplicate.

A place is named by the time of the line before it and by how many lines of just that time stand up to there; engines
write many lines at one time, and those of two streams a little out of order, so a time alone is not a place. The latest
time up to there is part of it: lines that are later still were not read for sure, which tells when the line itself has
been rotated away. Filters play no part: the place is one in the whole log.

Text form: ``ID:TIME:COUNT:LATEST``.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from logyard.agent.driver import Line
from logyard.errors import BadInput

__all__ = ["Cursor", "Resume", "parse"]

_PARTS: Final = 4


class Cursor(msgspec.Struct, frozen=True):
    """Behind ``count`` lines of ``time``, of all read up to there none later than ``latest``."""

    id: str
    time: int = 0
    count: int = 0
    latest: int = 0

    def __str__(self) -> str:
        return f"{self.id}:{self.time}:{self.count}:{self.latest}"

    def after(self, lines: Sequence[Line]) -> "Cursor":
        """The place behind these lines, which stand right behind this place."""
        if not lines:
            return self
        time = lines[-1].time
        count = 0
        for line in reversed(lines):
            if line.time != time:
                break
            count += 1
        if count == len(lines) and time == self.time:
            count += self.count
        return Cursor(self.id, time, count, max(self.latest, *(line.time for line in lines)))


class Resume:
    """Finds a place again in a reading that begins somewhere before it, and lets through what stands behind."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._left = cursor.count
        self.lost_before = 0
        """When the place itself is not there any more: the time of the first line that is."""

    def feed(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Those of the next lines that stand behind the place."""
        if not self._left:
            return lines
        time, latest = self._cursor.time, self._cursor.latest
        for index, line in enumerate(lines):
            if line.time == time:
                self._left -= 1
                if not self._left:
                    return lines[index + 1 :]
            elif line.time > latest:
                self._left = 0
                self.lost_before = line.time
                return lines[index:]
        return ()


def parse(text: str) -> Cursor:
    """The inverse of ``str``. Raises ``BadInput``, which names the text."""
    *ids, time, count, latest = text.rsplit(":", _PARTS - 1) if text.count(":") >= _PARTS - 1 else ("", "", "", "")
    if not ids[0] or not all(part.isascii() and part.isdecimal() for part in (time, count, latest)):
        raise BadInput(f"this is no cursor: {text!r}")
    return Cursor(ids[0], int(time), int(count), int(latest))
