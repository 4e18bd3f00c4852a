"""One content that is followed: what is known of it, its descriptor, and reading it block by block.

A read takes the bytes before the offset along (near the beginning, all of them), and everything that is concluded from
it, the hashes for the next read too, is concluded from the bytes that were read: the file may be cut at any moment, and
filled with something else.
"""

import contextlib
from typing import NamedTuple

import msgspec

from logyard.receivers.tailing.assemble import Assembler
from logyard.receivers.tailing.content import Content, Opener
from logyard.receivers.tailing.cut import Cut, cut
from logyard.receivers.tailing.encoding import mark_of, named_by, to_utf8, width_of
from logyard.receivers.tailing.known import HEAD_BYTES, TAIL_BYTES, Known, digest
from logyard.receivers.tailing.options import TailOptions

__all__ = ["Block", "ChangedUnderneath", "Followed"]


class ChangedUnderneath(Exception):
    """What lies before the offset is not what was read there."""


class Block(NamedTuple):
    """Lines to hand in, and where reading goes on after that."""

    lines: bytes
    """UTF-8, as they lie in the file; empty when there is nothing to hand in."""
    end: int
    """Offset behind them."""
    start: int = 0
    """Offset of the first of them."""
    skipping: bool = False
    truncated: bool = False
    long_lines: int = 0
    left_out: int = 0
    raw: bytes = b""
    """What the lines are in the file, where that is something else."""
    width: int = 1
    """Bytes of a newline there."""

    def place_of(self, used: int) -> int:
        """Offset in the file of byte ``used`` of ``lines``, where a line ends."""
        if not self.raw:
            return self.start + used
        end = len(self.raw)
        for _ in range(self.lines.count(b"\n", used)):
            end = _last_line(self.raw, end, self.width)
        return self.start + end


class Tally:
    """What was not understood of a source, since this process began; goes on in the file that follows this one."""

    def __init__(self) -> None:
        self.unknown = 0
        """Records that no format fitted."""
        self.errors = 0
        """Records that are not in the format that they should be in."""


class Followed:
    """Mutable; belongs to the follower, which is called by one thread at a time."""

    def __init__(self, known: Known, assembler: Assembler, *, opener: Opener, now: float) -> None:
        self.known = known
        self.assembler = assembler
        self._open_content = opener
        self._window = (0, b"")
        """What was read last, and from where."""
        self.content: Content | None = None
        self.is_home = True
        """It lies where the patterns look."""
        self.is_ready = not known.finished and (known.packed or known.offset != known.size or not known.size)
        """There may be something to read."""
        self.is_doubtful = False
        """Its file does not hold it any more, or so it seems: the next look finds out."""
        self.busy = 0
        """Deliveries under way."""
        self.holds_lines = False
        """Whole lines at its end wait for what belongs to them."""
        self.at_end = False
        """The last read came to where nothing more was."""
        self.tally = Tally()
        self.has_given_up_at = -1
        """The size at which nothing came of waiting for an end."""
        self.retry_at = 0.0
        self.changed_at = now
        """When it grew last, monotonic."""
        self.before: Followed | None = None
        """What must be read first: the file that lay here before."""
        self.trouble = ""

    def open(self) -> Content:
        """Its content. Raises ``OSError``; ``FileNotFoundError`` when another file lies under its path now."""
        if self.content is None:
            content = self._open_content(self.known.path)
            try:
                status = content.status()
            except OSError:
                content.close()
                raise
            if (status.st_dev, status.st_ino) != self.known.identity:
                content.close()
                raise FileNotFoundError(2, "another file lies there now", self.known.path)
            self.content = content
        return self.content

    def close(self) -> None:
        """Let the descriptor go."""
        if self.content is not None:
            with contextlib.suppress(OSError):
                self.content.close()
            self.content = None

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed; known once it has been opened."""
        return self.known.packed or (self.content is not None and self.content.packed)

    @property
    def comes_first(self) -> bool:
        """What lies after it waits until it has been read; not for one that cannot be."""
        return bool(self.busy) or (self.is_ready and not self.trouble)

    @property
    def is_read(self) -> bool:
        """Nothing is left in it."""
        known = self.known
        return known.finished or self.is_packed or known.offset >= known.size or self.has_given_up_at == known.size

    def read(self, options: TailOptions) -> list[Block]:
        """What comes next; empty when there is no whole line. Raises ``OSError`` and ``ChangedUnderneath``."""
        known = self.known
        fresh = self._read_on(options.block_bytes)
        if len(fresh) == options.block_bytes and options.max_line_bytes >= options.block_bytes and b"\n" not in fresh:
            fresh = self._read_on(options.max_line_bytes + 2 * options.block_bytes)
        self.at_end = len(fresh) < options.block_bytes
        if not fresh:
            return []
        if known.offset == 0:
            fresh = self._begin(fresh)
        if fresh.startswith(b"\0") and width_of(self._encoding(options)) == 1 and not known.skipping:
            return self._over_hole(fresh)
        return self._cut(fresh, options)

    def remainder(self, options: TailOptions, start: int = -1) -> Block | None:
        """The last line, which has no end; from ``start``, or where reading goes on. Raises as ``read`` does."""
        known = self.known
        begin = known.offset if start < 0 else start
        ahead = begin - known.offset
        data = self._read_on(ahead + options.max_line_bytes + 1)[ahead:]
        if not data or self.open().unfinished:
            return None
        text = to_utf8(data, self._encoding(options), options.invalid)
        lines = b"" if known.skipping else text.lstrip(b"\0") + b"\n"
        return Block(lines if lines != b"\n" else b"", begin + len(data), skipping=known.skipping)

    def _read_on(self, size: int) -> bytes:
        """Up to ``size`` bytes from the offset on. Raises ``ChangedUnderneath`` when what lies before is another."""
        known = self.known
        start = 0 if known.offset <= HEAD_BYTES else known.offset - known.tail_bytes
        wanted = max(known.offset + size, known.head_bytes) - start
        opened = self.content is None
        data = self.open().read(start, wanted)
        begin = known.offset - start
        is_same = digest(data[begin - known.tail_bytes : begin]) == known.tail
        if not is_same or (start == 0 and digest(data[: known.head_bytes]) != known.head):
            self._let_go(opened)
            raise ChangedUnderneath(known.path)
        self._window = start, data
        return data[begin : begin + size]

    def _let_go(self, opened: bool) -> None:  # noqa: FBT001 - what it says is its name
        """A descriptor proves that a file is the one that it was only if it did so when it was opened."""
        if opened:
            self.close()

    def forget_read(self) -> None:
        """Keep nothing of the last read."""
        self._window = 0, b""

    def learn_head(self) -> bool:
        """Know its beginning before it is read: it may be moved or cut before its turn comes. False when it begins
        otherwise than it did.
        """
        known = self.known
        wanted = max(known.head_bytes, min(HEAD_BYTES, known.size))
        if not wanted or known.finished or known.head_bytes >= HEAD_BYTES or (known.head_bytes and self.is_packed):
            return True
        opened = self.content is None
        try:
            content = self.open()
            first = content.read(0, wanted)
        except OSError:
            self.close()  # reading will find out whether it can be opened again
            return True
        if digest(first[: known.head_bytes]) != known.head:
            self._let_go(opened)
            return False
        self.known = msgspec.structs.replace(known, head=digest(first), head_bytes=len(first), packed=content.packed)
        return True

    def after(self, end: int, *, version: int, skipping: bool, learnt: str = "") -> Known:
        """What is known of it when all before ``end`` has been handed in. Raises ``OSError``."""
        known = self.known
        head, head_bytes = known.head, known.head_bytes
        if head_bytes < HEAD_BYTES and end > head_bytes:
            first = self._bytes(0, min(HEAD_BYTES, end))
            head, head_bytes = digest(first), len(first)
        back = min(TAIL_BYTES, end)
        tail = self._bytes(end - back, back)
        return msgspec.structs.replace(
            known,
            version=version,
            offset=end,
            head=head,
            head_bytes=head_bytes,
            tail=digest(tail),
            tail_bytes=len(tail),
            skipping=skipping,
            packed=self.is_packed,
            learnt=learnt or known.learnt,
        )

    def _bytes(self, start: int, size: int) -> bytes:
        """Of what was read last; from the file where it was not, as behind a hole."""
        first, data = self._window
        if start >= first and start + size <= first + len(data):
            return data[start - first : start - first + size]
        return self.open().read(start, size)

    def _begin(self, fresh: bytes) -> bytes:
        """A byte order mark says how all that follows is written."""
        encoding = named_by(fresh)
        if encoding != self.known.encoding:
            self.known = msgspec.structs.replace(self.known, encoding=encoding)
        return fresh

    def _over_hole(self, fresh: bytes) -> list[Block]:
        """NULs at the beginning of a line are a hole: its writer went on where it was when the file had been cut."""
        known = self.known
        behind = len(fresh) - len(fresh.lstrip(b"\0"))
        end = known.offset + behind
        if behind == len(fresh):
            end = max(end, self.open().data_from(end))
        return [Block(b"", end)]

    def _encoding(self, options: TailOptions) -> str:
        """A mark in the file says it, else the settings do, also of a file that is half read."""
        return self.known.encoding or options.encoding

    def _cut(self, fresh: bytes, options: TailOptions) -> list[Block]:
        known, encoding = self.known, self._encoding(options)
        width = width_of(encoding)
        found = cut(fresh, options.max_line_bytes, options.long_lines, skipping=known.skipping, width=width)
        blocks = _blocks(fresh, found, known.offset)
        return [_readable(block, encoding, options) for block in blocks]


def _last_line(data: bytes, end: int, width: int) -> int:
    """Where the last line of ``data[:end]`` begins."""
    newline = {1: b"\n", 2: b"\n\0", -2: b"\0\n"}[width]
    at = data.rfind(newline, 0, end - abs(width))
    while at >= 0 and at % width:
        at = data.rfind(newline, 0, at + abs(width) - 1)
    return at + abs(width) if at >= 0 else 0


def _blocks(fresh: bytes, found: Cut, offset: int) -> list[Block]:
    """The pieces as they lie; the last one takes along what was left out."""
    blocks = []
    for start, end, truncated in found.pieces:
        # Behind a mark the lines begin later.
        mark = mark_of(fresh[start : start + 3]) if offset + start == 0 else 0
        first = offset + start + mark
        lines = fresh[start + mark : end]
        blocks.append(Block(lines, offset + end, first, skipping=truncated, truncated=truncated))
    end = offset + found.used
    if blocks and blocks[-1].end == end and not found.skipping:
        blocks[-1] = blocks[-1]._replace(long_lines=found.long_lines, left_out=found.left_out)
    elif found.used:
        skipped = Block(b"", end, skipping=found.skipping, long_lines=found.long_lines, left_out=found.left_out)
        blocks.append(skipped)
    return blocks


def _readable(block: Block, encoding: str, options: TailOptions) -> Block:
    """As UTF-8, with an end for the line that was cut."""
    lines = to_utf8(block.lines, encoding, options.invalid)
    if lines and not lines.endswith(b"\n"):
        lines += b"\n"
    if lines is block.lines:
        return block
    return block._replace(lines=lines, raw=block.lines, width=width_of(encoding))
