"""The seam between reading and handing in: what a block of lines of one source becomes.

The follower gives whole lines and knows nothing of what they say. An assembler makes a body of them and says how many
bytes of the block are in it; what it leaves it gets again, at the beginning of the next block, with more behind it. So
it needs no memory of its own for what is not complete (a stack trace, a record in parts), and nothing is lost by a
crash: what was not taken has not been read. When a file has been rotated away, what it left unfinished comes before
the first lines of its successor.

A source is a place that is written to; its assembler outlives its files.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
import polars as pl

from logyard.formats.json.settle import block
from logyard.model.batch import Encoded
from logyard.model.reading import Reading

__all__ = ["Assembler", "AssemblerMaker", "Taken", "Whole"]


class Taken(NamedTuple):
    """What a block became."""

    body: Encoded | pl.DataFrame | None
    """None when nothing is left to hand in."""
    used: int
    """Bytes of the block, from its beginning, that are done with: all of them, or up to the end of some line."""
    unknown: int = 0
    """Records that no format fitted: their message is all there is."""
    errors: int = 0
    """Records that are not in the format that the settings name; they say so in ``processing_error``."""
    learnt: str = ""
    """What must be known of the source to understand what follows (a header), for ``recall``."""


class Assembler(Protocol):
    """One source. One thread at a time."""

    def take(self, lines: bytes, reading: Reading, *, final: bool) -> Taken:
        """``lines``: whole lines with their LF, as they lie in the file (of another encoding, as UTF-8). ``reading``
        has what is known of all of them; ``final``: nothing more will come in time, so take all. Must take all, too,
        of a block that is longer than it is willing to wait for. Raises nothing.
        """
        ...

    def recall(self, learnt: str) -> None:
        """What an assembler of this source said last, before anything is taken."""
        ...


AssemblerMaker = Callable[[str], Assembler]
"""Path of a source -> its assembler."""


class Whole:
    """The block as it is; what its lines are is found out where they are stored."""

    def __init__(self, kind: Reading) -> None:
        """``kind``: the reading whose kind all blocks get: raw, or plain."""
        self._kind = kind.kind

    def take(self, lines: bytes, reading: Reading, *, final: bool) -> Taken:
        """All of it."""
        return Taken(block(lines, msgspec.structs.replace(reading, kind=self._kind)), len(lines))

    def recall(self, learnt: str) -> None:
        """Nothing is learnt."""
