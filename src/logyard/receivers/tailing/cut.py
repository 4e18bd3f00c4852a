"""Bytes of a file into whole lines, within the limit for one. Pure.

The end of the last whole line is where the block ends; what follows is a line that is not complete yet, and is read
again when there is more. A line beyond the limit is truncated, split or skipped, and counted; its beginning may be in
one read and its end in a later one.
"""

from typing import Final, Literal, NamedTuple

__all__ = ["Cut", "LongLines", "Piece", "cut"]

LongLines = Literal["truncate", "split", "skip"]

_CONTINUES: Final = 0b10
_MOST_CONTINUATIONS: Final = 3


class Piece(NamedTuple):
    """``data[start:end]``: whole lines; or one line's beginning, when it is ``truncated``."""

    start: int
    end: int
    truncated: bool = False


class Cut(NamedTuple):
    """What became of the bytes."""

    pieces: list[Piece]
    used: int
    """Bytes that are done with, whether handed on or left out."""
    skipping: bool
    """They end amid a line that is being left out."""
    long_lines: int = 0
    left_out: int = 0
    """Bytes of long lines that are in no piece."""


class _Cutter:
    def __init__(self, data: bytes, most: int, *, policy: LongLines, width: int) -> None:
        self.data = data
        self.most = most
        self.policy = policy
        self.newline = {1: b"\n", 2: b"\n\0", -2: b"\0\n"}[width]
        self.width = abs(width)
        self.pieces: list[Piece] = []
        self.long_lines = self.left_out = 0

    def find(self, start: int) -> int:
        """End of the line that goes on at ``start``, behind its newline; -1 when it is not there."""
        at = self.data.find(self.newline, start)
        while at >= 0 and at % self.width:
            at = self.data.find(self.newline, at + 1)
        return at if at < 0 else at + self.width

    def rfind(self, start: int, end: int) -> int:
        """End of the last line that ends in ``data[start:end]``; -1 for none."""
        at = self.data.rfind(self.newline, start, end)
        while at >= 0 and at % self.width:
            at = self.data.rfind(self.newline, start, at + self.width - 1)
        return at if at < 0 else at + self.width

    def whole_lines(self, start: int, end: int) -> None:
        """Hand on the lines from ``start`` to ``end``, in hops as long as a line may be."""
        begun = at = start
        while at + self.most + self.width < end:
            hop = self.rfind(at, at + self.most + self.width)
            if hop > 0:
                at = hop
                continue
            self.add(begun, at)
            begun = self.find(at)
            begun = end if begun < 0 else begun
            self.long_line(at, begun - self.width)
            at = begun
        self.add(begun, end)

    def add(self, start: int, end: int) -> None:
        if end > start:
            self.pieces.append(Piece(start, end))

    def long_line(self, start: int, end: int) -> int:
        """By the policy; where what is done with ends."""
        self.long_lines += 1
        if self.policy == "skip":
            self.left_out += end - start
            return end
        at = start
        while end - at > self.most:
            stop = self.boundary(at, at + self.most)
            self.pieces.append(Piece(at, stop, truncated=self.policy == "truncate"))
            at = stop
            if self.policy == "truncate":
                self.left_out += end - at
                return end
        self.add(at, end)
        return end

    def boundary(self, start: int, end: int) -> int:
        """``end``, or a little before it so that no character is cut in two."""
        if self.width > 1:
            return end - end % self.width
        at = end
        while at > start + 1 and end - at < _MOST_CONTINUATIONS and self.data[at] >> 6 == _CONTINUES:
            at -= 1
        return at


def cut(data: bytes, most: int, policy: LongLines, *, skipping: bool = False, width: int = 1) -> Cut:
    """Cut ``data``, which goes on where the last cut's ``used`` ended.

    ``most``: bytes of the longest line. ``width``: 1 for bytes, 2 for UTF-16 little endian, -2 for big endian.
    """
    cutter = _Cutter(data, most, policy=policy, width=width)
    start = 0
    if skipping:
        start = cutter.find(0)
        if start < 0:
            return Cut([], len(data), skipping=True, left_out=len(data))
        cutter.left_out = start
    end = max(start, cutter.rfind(start, len(data)))
    cutter.whole_lines(start, end)
    used = end
    if len(data) - end > most + cutter.width:
        if policy == "split":
            used = cutter.boundary(end, end + most)
            cutter.add(end, used)
            cutter.long_lines += 1
        else:
            used = cutter.long_line(end, len(data))
    return Cut(cutter.pieces, used, used > end and policy != "split", cutter.long_lines, cutter.left_out)
