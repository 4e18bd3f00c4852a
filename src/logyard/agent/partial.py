"""Whole lines out of the pieces in which engines keep long ones.

Docker cuts a line after 16 KB; only the last piece ends with a line feed, and pieces of stdout and of stderr may stand
between each other. With times asked for, each piece begins with one of 30 bytes and a blank: the line's time is that of
its first piece. With a terminal there are no frames: a piece that is not the line's last is followed by the next one's
time at once, so the only sign of a cut is a time at a place where one could be.
"""

import re
from typing import Final

from logyard.agent.driver import STDOUT, Line
from logyard.agent.frames import Part
from logyard.agent.stamps import Stamps

__all__ = ["LONGEST_LINE", "LineJoiner", "TerminalLines"]

LONGEST_LINE: Final = 16 << 20
"""Bytes of one line that are held; a longer one comes in pieces."""

_STAMP: Final = 30
_BODY: Final = _STAMP + 1
_PIECE: Final = 16_384
_TIME: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")


class _Begun:
    """A line of which the end has not come."""

    __slots__ = ("pieces", "size", "time")

    def __init__(self, time: int) -> None:
        self.time = time
        self.size = 0
        self.pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.size += len(piece)

    def line(self, stream: int) -> Line:
        return Line(self.time, stream, b"".join(self.pieces))


class LineJoiner:
    """Timed pieces in, timed lines out. One log, one joiner."""

    def __init__(self) -> None:
        self._stamps = Stamps()
        self._begun: dict[int, _Begun] = {}

    def feed(self, parts: list[Part]) -> list[Line]:
        """The lines that these pieces complete, in the order of their ends."""
        lines: list[Line] = []
        parse, begun = self._stamps.parse, self._begun
        for stream, payload in parts:
            if payload[-1:] == b"\n" and not begun:
                lines.append(Line(parse(payload[:_STAMP]), stream, payload[_BODY:]))
            else:
                lines += self._join(stream, payload)
        return lines

    def rest(self) -> list[Line]:
        """Lines that never got their line feed: call it when the log has ended."""
        left = [begun.line(stream) for stream, begun in self._begun.items()]
        self._begun.clear()
        return left

    def _join(self, stream: int, payload: bytes) -> list[Line]:
        begun = self._begun.pop(stream, None) or _Begun(self._stamps.parse(payload[:_STAMP]))
        begun.add(payload[_BODY:])
        if payload.endswith(b"\n") or begun.size >= LONGEST_LINE:
            return [begun.line(stream)]
        self._begun[stream] = begun
        return []


class TerminalLines:
    """The log of a container with a terminal: chunks of any size in, the same parts as from frames out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Part]:
        """The pieces that are whole, each with its time in front."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [(STDOUT, piece) for line in whole for piece in _pieces(line + b"\n")]

    def rest(self) -> list[Part]:
        """What is left when the log has ended."""
        left, self._rest = self._rest, b""
        return [(STDOUT, piece) for piece in _pieces(left)] if len(left) > _BODY else []


def _pieces(line: bytes) -> list[bytes]:
    """A line of the log at the times inside it."""
    pieces = []
    at = _BODY + _PIECE
    while _TIME.match(line, at):
        pieces.append(line[:at])
        line = line[at:]
    return [*pieces, line]
