"""The port of storages: where entries lie, and how two places with entries are compared.

Blocking; any thread, concurrently. Raises ``NotNow`` and ``StoreFailed`` when the place cannot be reached or cannot
take anything now (the same may be asked again later), ``BadInput`` for what it will never take.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from logyard.feed.block import Block, Origin
from logyard.feed.entry import LogEntry
from logyard.feed.filters import LogFilter
from logyard.feed.reading import Timed
from logyard.types import LogId

__all__ = ["BUCKET", "Counts", "Digest", "Found", "Storage", "digest", "mixed"]

BUCKET: Final = 300_000_000_000
"""Nanoseconds of arrival that are compared as one: five minutes."""
_MASK: Final = (1 << 64) - 1
_ODD: Final = 0x9E3779B97F4A7C15


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page of an answer, newest first."""

    timed: list[Timed]
    total: int
    """On all pages."""
    newest: LogId
    """The highest id on all pages; 0 when there is none."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored."""

    total: int
    by_level: Mapping[str, int]
    by_service: Mapping[str, int]


class Digest(msgspec.Struct, frozen=True):
    """The records that arrived in five minutes, as two numbers: places with equal ones hold the same."""

    rows: int
    checksum: int
    """Sum of ``mixed`` of the ids, modulo 2^64."""


class Storage(Protocol):
    """A place for entries."""

    def write(self, blocks: Sequence[Block], *, fresh: bool = False) -> None:
        """Return when all would survive whatever the place survives. A block that is there is not written again.

        ``fresh``: nobody has been given them before, so that it need not be looked up whether they are there.
        """
        ...

    def find(self, wanted: LogFilter, *, limit: int, offset: int = 0, until: LogId | None = None) -> Found:
        """A page of what a filter says yes to, of ids up to ``until``. Sees all that was written before."""
        ...

    def get(self, log_id: LogId) -> LogEntry | None:
        """One entry."""
        ...

    def counts(self) -> Counts:
        """How much there is."""
        ...

    def highest(self) -> LogId:
        """The highest id there is; 0 when there is none."""
        ...

    def ping(self) -> None:
        """Return when it would take entries now."""
        ...

    def digests(self) -> Mapping[int, Digest]:
        """By ``received // BUCKET``."""
        ...

    def origins(self, bucket: int) -> Mapping[Origin, int]:
        """The blocks of one bucket, and how many records of each are there."""
        ...

    def read(self, bucket: int, origins: Collection[Origin]) -> Iterator[Block]:
        """These blocks of the bucket, for another storage to write. Their lines say the same, maybe in other words. One
        from whose middle records have been deleted is left out.
        """
        ...

    def close(self) -> None:
        """Nothing may be called afterwards."""
        ...


def mixed(log_id: int) -> int:
    """An id spread over 64 bits, so that sums of different ids differ. In SQL: ``yard.py``."""
    spread = ((log_id ^ log_id >> 29) * _ODD) & _MASK
    return spread ^ spread >> 32


def digest(ids: Sequence[int], before: Digest | None = None) -> Digest:
    """The digest of these ids, with those of ``before``."""
    rows, checksum = (before.rows, before.checksum) if before else (0, 0)
    return Digest(rows + len(ids), (checksum + sum(map(mixed, ids))) & _MASK)
