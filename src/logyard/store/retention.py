"""Which partitions go: a pure decision over (what is stored, the rules, the disk, now).

Whole days go, oldest first; the day that is being written is never dropped for size, only for age.
"""

from collections.abc import Sequence

import msgspec

from logyard.ports import Retention
from logyard.types import Nanoseconds

__all__ = ["Disk", "Partition", "expired"]

_DAY = 86_400_000_000_000


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One day of records."""

    name: str
    newest: Nanoseconds
    bytes: int


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The disk that the store lies on, in bytes."""

    total: int
    used: int


def expired(partitions: Sequence[Partition], rules: Retention, disk: Disk, *, now: Nanoseconds) -> list[Partition]:
    """The partitions to drop, oldest first."""
    ordered = sorted(partitions, key=lambda partition: partition.newest)
    oldest_kept = now - int(rules.age_days * _DAY) if rules.age_days else None
    gone = [part for part in ordered if oldest_kept is not None and part.newest < oldest_kept]
    stored = sum(part.bytes for part in ordered) - sum(part.bytes for part in gone)
    for part in ordered[len(gone) : -1]:
        freed = sum(other.bytes for other in gone)
        if not _over(rules, disk, stored=stored, freed=freed):
            break
        gone.append(part)
        stored -= part.bytes
    return gone


def _over(rules: Retention, disk: Disk, *, stored: int, freed: int) -> bool:
    if rules.max_bytes and stored > rules.max_bytes:
        return True
    return bool(rules.max_disk_percent) and (disk.used - freed) * 100 > rules.max_disk_percent * disk.total
