r"""A message of the journal: what it is, who wrote it, what was certain when it was written, and its bytes.

::

    magic "\xffLB1" | crc u32 | kind u8 | flags u8 | epoch 16 bytes | number u64 | floor u64 | payload

Numbers are little-endian; the crc (CRC-32, zlib) covers everything after itself. Pure.
"""

import struct
import zlib
from collections.abc import Iterable
from enum import IntEnum, IntFlag
from typing import Final

import msgspec

from logyard.errors import Corrupt
from logyard.wal.record import Form

__all__ = ["HEAD_BYTES", "Envelope", "Flag", "Kind", "open_envelope", "sealed_envelope"]

_MAGIC: Final = b"\xffLB1"
_PREFIX: Final = struct.Struct("<4sI")
_HEAD: Final = struct.Struct("<BB16sQQ")
HEAD_BYTES: Final = _PREFIX.size + _HEAD.size


class Kind(IntEnum):
    """What a message is."""

    LINES = 0
    FRAMES = 1
    SEAL = 2
    """The segments that are open end here."""
    CLAIM = 3
    """Another process writes from here on; what is open ends."""
    VOID = 4
    """What stands between ``floor`` and here was refused: it does not count. What is open ends."""


class Flag(IntFlag):
    """What else is to be said of a message."""

    NONE = 0
    MORE = 1
    """Its frame goes on in the next message."""
    GOES_ON = 2
    """It goes on with the frame of the message before."""
    SEALS = 4
    """The segments that are open end after it."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message, opened."""

    kind: Kind
    flags: Flag = Flag.NONE
    epoch: bytes
    """16 random bytes: the process that wrote it."""
    number: int
    """Counted by that process, from 1. None is used twice, not even for a message that was refused."""
    floor: int
    """All messages up to this sequence were certain when it was written."""
    payload: bytes | memoryview = b""

    @property
    def id(self) -> str:
        """Its name, for a journal that knows repeats by name."""
        return f"{self.epoch.hex()}.{self.number}"

    @property
    def form(self) -> Form:
        """Of the frames in it."""
        return "lines" if self.kind is Kind.LINES else "frames"


def sealed_envelope(envelope: Envelope, payload: Iterable[bytes | memoryview] = ()) -> bytes:
    """The message. ``payload`` is what is in it, in pieces; ``envelope.payload`` is not looked at."""
    head = _HEAD.pack(envelope.kind, envelope.flags, envelope.epoch, envelope.number, envelope.floor)
    rest = b"".join((head, *payload))
    return _PREFIX.pack(_MAGIC, zlib.crc32(rest)) + rest


def open_envelope(message: bytes) -> Envelope:
    """The inverse of ``sealed_envelope``. Raises ``Corrupt``."""
    if len(message) < HEAD_BYTES:
        raise Corrupt(f"{len(message)} bytes are no message of a buffer")
    magic, crc = _PREFIX.unpack_from(message)
    view = memoryview(message)
    if magic != _MAGIC or zlib.crc32(view[_PREFIX.size :]) != crc:
        raise Corrupt(f"a message that begins with {message[:8].hex()} is none of a buffer, or is damaged")
    kind, flags, epoch, number, floor = _HEAD.unpack_from(message, _PREFIX.size)
    try:
        return Envelope(
            kind=Kind(kind), flags=Flag(flags), epoch=epoch, number=number, floor=floor, payload=view[HEAD_BYTES:]
        )
    except ValueError as error:
        raise Corrupt(f"a message of a later version: {error}") from error
