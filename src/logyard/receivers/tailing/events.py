"""What following files has to say about itself."""

from typing import Final

from logyard.telemetry import Event

__all__ = [
    "ABANDONED",
    "ROTATIONS",
    "BytesAbandoned",
    "BytesRead",
    "FileTrouble",
    "FilesDeleted",
    "FilesFound",
    "FilesRotated",
    "FormatUnknown",
    "LongLinesMet",
    "MemoryLost",
    "ParseErrors",
]


ROTATIONS: Final = ("moved", "truncated", "copied", "continued")
ABANDONED: Final = ("truncated", "removed")


class FilesFound(Event, frozen=True, kw_only=True):
    """Files that are followed from now on."""


class FilesRotated(Event, frozen=True, kw_only=True):
    """Rotations that were followed, by ``ROTATIONS``."""

    kind: str


class BytesRead(Event, frozen=True, kw_only=True):
    """Lines that were handed in from files."""

    count: int
    bytes: int


class BytesAbandoned(Event, frozen=True, kw_only=True):
    """Bytes that could not be read before they were gone."""

    severity = 40
    reason: str
    bytes: int


class FormatUnknown(Event, frozen=True, kw_only=True):
    """Records of files that no format fitted: their message is all there is."""

    count: int


class ParseErrors(Event, frozen=True, kw_only=True):
    """Records of files that are not in the format that the settings name; they are kept, and say so."""

    count: int


class LongLinesMet(Event, frozen=True, kw_only=True):
    """Lines over the limit, by what was done with them."""

    policy: str
    count: int
    bytes: int


class FileTrouble(Event, frozen=True, kw_only=True):
    """Files that cannot be read now; they are tried again."""

    reason: str


class FilesDeleted(Event, frozen=True, kw_only=True):
    """Files that were removed after they had been read, as the configuration wants it."""


class MemoryLost(Event, frozen=True, kw_only=True):
    """Checkpoints that fail their checksum: files are read from what the log knows of them, or anew."""

    severity = 40
    reason: str
