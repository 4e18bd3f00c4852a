"""What is remembered of a file: who it is, and how far it has been read.

A name says nothing about identity, and an inode number comes again when its file is gone. So what is followed is not a
file but a *content*: all that was written from one beginning (a new file, or one that was cut) to the next. It is known
by three things together: (device, inode) while a descriptor holds it, the hash of its first bytes (as many as have been
seen, up to 1024), and the hash of the last bytes before the offset. The last two are asked whenever there is doubt: a
file that carries both *holds* the content that was read, wherever it lies and whether or not it has been compressed.
docs/adr/0007-file-identity.md has the model, ``rotation.py`` the decisions.

Offsets count bytes of the content: of a compressed file, after decompression.
"""

from hashlib import blake2b
from typing import Final

import msgspec

__all__ = ["HEAD_BYTES", "TAIL_BYTES", "Known", "digest"]

HEAD_BYTES: Final = 1024
TAIL_BYTES: Final = 256


class Known(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file, at one moment."""

    serial: int
    """Its number among all files that were ever followed here."""
    version: int
    """Rises with every change of any file: of two accounts of one file the higher is the newer."""
    path: str
    """Where it was seen last; where it was written, if it has moved since: see ``home``."""
    device: int
    inode: int
    home: str = ""
    """The name under which it was found first: what records say as their source."""
    offset: int = 0
    """What lies before it has been handed in."""
    head: str = ""
    head_bytes: int = 0
    tail: str = ""
    tail_bytes: int = 0
    size: int = 0
    """As seen last, in bytes on the disk."""
    modified: int = 0
    """Likewise, in nanoseconds: a file of the same place, size and time is the same file."""
    encoding: str = ""
    """``utf-16-le`` or ``utf-16-be``, by the mark at its beginning."""
    skipping: bool = False
    """The offset is amid a line that was too long: what comes up to its end is left out."""
    learnt: str = ""
    """What its assembler must know to understand what follows (``assemble.Taken``)."""
    copy_of: int = 0
    """Serial of the content that it repeats: nothing is read of it unless that one is cut."""
    finished: bool = False
    """Nothing is read of it as long as it lies as ``seal`` says: a copy, or a compressed file that is at its end."""
    seal: str = ""
    """Of a finished file: the hash of its first and last bytes as they lie, ``size`` bytes in all."""
    packed: bool = False
    """It is compressed: ``size`` has nothing to do with ``offset``."""
    gone: int = 0
    """When it was given up, in nanoseconds; 0 while it is followed."""

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode

    @property
    def source(self) -> str:
        """What its records say."""
        return self.home or self.path


def digest(data: bytes) -> str:
    """The hash that ``Known`` keeps of heads and tails."""
    return blake2b(data, digest_size=12).hexdigest() if data else ""
