"""One file that is followed: what is known of it, its descriptor, and reading it block by block."""

import contextlib
from typing import NamedTuple

import msgspec

from logyard.receivers.tailing.assemble import Assembler
from logyard.receivers.tailing.content import Content, open_content
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

    def __init__(self, known: Known, assembler: Assembler, *, now: float) -> None:
        self.known = known
        self.assembler = assembler
        self.content: Content | None = None
        self.is_home = True
        """It lies where the patterns look."""
        self.is_ready = True
        """There may be something to read."""
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
        self.modified = 0
        self.before: Followed | None = None
        """What must be read first: the file that lay here before."""
        self.trouble = ""

    def open(self) -> Content:
        """Its content. Raises ``OSError``, ``ChangedUnderneath`` when another file lies under its path now."""
        if self.content is None:
            content = open_content(self.known.path)
            status = content.status()
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

    def size(self) -> int:
        """Of the file, now, when it is open; as seen last when not."""
        return self.content.status().st_size if self.content is not None else self.known.size

    @property
    def is_packed(self) -> bool:
        """Whether its content is compressed; known once it is open."""
        return self.content is not None and self.content.packed

    @property
    def is_read(self) -> bool:
        """Nothing is left in it."""
        known = self.known
        return known.finished or self.is_packed or known.offset >= known.size or self.has_given_up_at == known.size

    def read(self, options: TailOptions) -> list[Block]:
        """What comes next; empty when there is no whole line. Raises ``OSError`` and ``ChangedUnderneath``."""
        content, known = self.open(), self.known
        back = known.tail_bytes
        data = content.read(known.offset - back, back + options.block_bytes)
        if digest(data[:back]) != known.tail or not self._has_its_head(content):
            raise ChangedUnderneath(known.path)
        fresh = data[back:]
        if len(fresh) == options.block_bytes and options.max_line_bytes >= options.block_bytes and b"\n" not in fresh:
            fresh = content.read(known.offset, options.max_line_bytes + 2 * options.block_bytes)
        self.at_end = len(fresh) < options.block_bytes
        if not fresh:
            return []
        if known.offset == 0:
            fresh = self._begin(fresh)
        if fresh.startswith(b"\0") and width_of(self._encoding(options)) == 1 and not known.skipping:
            return self._over_hole(content, fresh)
        return self._cut(fresh, options)

    def remainder(self, options: TailOptions, start: int = -1) -> Block | None:
        """The last line, which has no end; from ``start``, or where reading goes on. Raises as ``read`` does."""
        known = self.known
        content = self.open()
        begin = known.offset if start < 0 else start
        data = content.read(begin, options.max_line_bytes + 1)
        if not data or content.unfinished:
            return None
        text = to_utf8(data, self._encoding(options), options.invalid)
        lines = b"" if known.skipping else text.lstrip(b"\0") + b"\n"
        return Block(lines if lines != b"\n" else b"", begin + len(data), skipping=known.skipping)

    def learn_head(self) -> bool:
        """Know its beginning before it is read: it may be moved or cut before its turn comes. False when it begins
        otherwise than it did.
        """
        known = self.known
        wanted = max(known.head_bytes, min(HEAD_BYTES, known.size))
        if not wanted or known.finished or known.head_bytes >= HEAD_BYTES or (known.head_bytes and self.is_packed):
            return True
        with contextlib.suppress(OSError):
            first = self.open().read(0, wanted)
            if digest(first[: known.head_bytes]) != known.head:
                return False
            self.known = msgspec.structs.replace(known, head=digest(first), head_bytes=len(first))
        return True

    def after(self, end: int, *, version: int, skipping: bool, learnt: str = "") -> Known:
        """What is known of it when all before ``end`` has been handed in. Raises ``OSError``."""
        content, known = self.open(), self.known
        head, head_bytes = known.head, known.head_bytes
        if head_bytes < HEAD_BYTES and end > head_bytes:
            first = content.read(0, min(HEAD_BYTES, end))
            head, head_bytes = digest(first), len(first)
        back = min(TAIL_BYTES, end)
        tail = content.read(end - back, back)
        return msgspec.structs.replace(
            known,
            version=version,
            offset=end,
            head=head,
            head_bytes=head_bytes,
            tail=digest(tail),
            tail_bytes=len(tail),
            skipping=skipping,
            learnt=learnt or known.learnt,
        )

    def _has_its_head(self, content: Content) -> bool:
        """What was seen of it and not read yet is still there."""
        known = self.known
        if known.head_bytes <= known.offset:
            return True
        return digest(content.read(0, known.head_bytes)) == known.head

    def _begin(self, fresh: bytes) -> bytes:
        """A byte order mark says how all that follows is written."""
        encoding = named_by(fresh)
        if encoding != self.known.encoding:
            self.known = msgspec.structs.replace(self.known, encoding=encoding)
        return fresh

    def _over_hole(self, content: Content, fresh: bytes) -> list[Block]:
        """NULs at the beginning of a line are a hole: its writer went on where it was when the file had been cut."""
        known = self.known
        behind = len(fresh) - len(fresh.lstrip(b"\0"))
        end = known.offset + behind
        if behind == len(fresh):
            end = max(end, content.data_from(end))
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
