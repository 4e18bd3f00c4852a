"""How files are followed: the settings, as the follower wants them."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from logyard.receivers.tailing.cut import LongLines
from logyard.receivers.tailing.encoding import InvalidBytes

__all__ = ["Start", "TailOptions"]

Start = Literal["head", "tail"]


class TailOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds and bytes."""

    include: Sequence[str]
    exclude: Sequence[str] = ()
    constants: Mapping[str, str] = {}
    """Put on every record, beside the source."""
    read_from: Start = "head"
    new_files: Start = "head"
    ignore_older: float = 0
    max_line_bytes: int = 1 << 20
    long_lines: LongLines = "truncate"
    encoding: str = ""
    """Of files without a byte order mark, as ``encoding.check_encoding`` names it; "" is UTF-8."""
    invalid: InvalidBytes = "replace"
    """What becomes of bytes that mean nothing in it."""
    flush_idle: float = 0
    """A last line without its end is handed in after so long; 0: it waits for its end."""
    rotate_wait: float = 10.0
    """So long a file that is no longer at its place is looked after for what late writers add."""
    hold_seconds: float = 5.0
    """So long whole lines wait for what belongs to them, when nothing more is written."""
    delete_after: float = 0
    open_files: int = 512
    block_bytes: int = 1 << 20
    round_bytes: int = 4 << 20
    """Handed in at once, over all files."""
