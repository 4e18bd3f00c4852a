"""The stamp at the end of a generated message, by which a record is known again wherever it arrives.

    Payment of 12.50 EUR accepted for user u-0381 [genseq 5f3a9c01 17 45 9f86d081]

The stamp says: stream, number in the stream from 1, bytes of the text before it, CRC-32 of these and the text. It
is part of the message, so it survives every format and every protocol that keeps a message whole. What is beside the
message (its fields) is not covered. A text holds no quote, backslash or control character, so it reads the same in
every format.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final
from zlib import crc32

import msgspec

from logyard.errors import BadConfig

__all__ = ["WORD", "Condition", "Seen", "checked_stream", "find", "stamp"]

WORD: Final = "genseq"
"""What to search for: every stamped message has this word."""

_OPENING: Final = f"[{WORD} ".encode()
_STAMP: Final = re.compile(rb" \[genseq ([0-9A-Za-z_-]{1,40}) ([0-9]{1,18}) ([0-9]{1,7}) ([0-9a-f]{8})\]")
_STREAM: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")


class Condition(IntEnum):
    """How a stamped text arrived."""

    INTACT = 0
    SPLIT = 1
    """Its beginning is missing."""
    ALTERED = 2
    """As long as it was, but other."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A stamp that was found. ``number`` 0: the stamp itself is cut off, and nobody knows whose it was."""

    stream: str
    number: int
    condition: Condition


def checked_stream(name: str) -> str:
    """The name, when it can be a stream's. Raises ``BadConfig``."""
    if _STREAM.fullmatch(name) is None:
        raise BadConfig(f"{name!r} cannot name a stream: 1 to 40 letters, digits, - and _", path="--stream")
    return name


def stamp(stream: str, number: int, text: bytes) -> str:
    """What goes behind a text, without the blank between the two."""
    known = f"{stream} {number} {len(text)}"
    return f"[genseq {known} {crc32(text, crc32(known.encode())):08x}]"


def find(line: bytes) -> Iterator[Seen]:
    """The stamps in a message, or in a line that holds one: usually one, none in what is not ours."""
    end, count = 0, 0
    for found in _STAMP.finditer(line):
        stream, number, size, _ = found.groups()
        text = line[max(end, found.start() - int(size)) : found.start()]
        yield Seen(stream.decode(), int(number), _condition(found, text))
        end = found.end()
        count += 1
    for _ in range(line.count(_OPENING) - count):
        yield Seen("", 0, Condition.SPLIT)


def _condition(found: "re.Match[bytes]", text: bytes) -> Condition:
    stream, number, size, crc = found.groups()
    if len(text) < int(size):
        return Condition.SPLIT
    known = b"%b %b %b" % (stream, number, size)
    return Condition.INTACT if crc32(text, crc32(known)) == int(crc, 16) else Condition.ALTERED
