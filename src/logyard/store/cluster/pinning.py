"""Which shard a parcel belongs to: the same one whenever it is asked, though shards are added meanwhile.

A parcel that was sent but not yet crossed off must go to the same shard again, or its token protects nothing. So the
number of shards that holds for a parcel is the one that held when it arrived: ``shards`` in the data directory has a
line for every change, ``nanoseconds count``, the first one from 0 on.
"""

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import msgspec

from logyard.errors import Corrupt, StoreFailed
from logyard.store.cluster.url import ShardBy
from logyard.types import Nanoseconds
from logyard.wal.disk import Disk, replace_file

__all__ = ["Change", "Pins", "remembered"]


class Change(msgspec.Struct, frozen=True):
    """From this arrival on there were so many shards."""

    since: int
    shards: int

    def __str__(self) -> str:
        return f"{self.since} {self.shards}\n"


class Pins:
    """Immutable; any thread."""

    def __init__(self, changes: Sequence[Change], shard_by: ShardBy) -> None:
        """``changes`` in order, at least one."""
        self._changes = changes
        self._by = shard_by

    def wants(self, shard: int, token: str, received: Nanoseconds) -> bool:
        """Whether a parcel has anything for this shard (from 1)."""
        count = self._count(received)
        if self._by == "segment":
            return crc32(token.encode()) % count == shard - 1
        return shard <= count

    def condition(self, shard: int, received: Nanoseconds) -> str:
        """SQL for the rows of a parcel that are this shard's; "" for all."""
        count = self._count(received)
        if self._by == "segment" or count == 1:
            return ""
        key = "cityHash64(service)" if self._by == "service" else "intDiv(toUnixTimestamp(timestamp), 300)"
        return f"{key} % {count} = {shard - 1}"

    def _count(self, received: Nanoseconds) -> int:
        return [change.shards for change in self._changes if change.since <= received][-1]


def remembered(disk: Disk, file: Path, shards: int, *, now: Nanoseconds) -> list[Change]:
    """The changes there have been, the present number among them, durably. Raises ``Corrupt``, ``StoreFailed``."""
    try:
        text = disk.read(file).decode() if file.name in disk.list(file.parent) else ""
        changes = [Change(*map(int, line.split())) for line in text.splitlines()]
    except (ValueError, TypeError) as error:
        raise Corrupt(f"{file} does not say which shards there were: {error}") from error
    if changes and changes[-1].shards == shards:
        return changes
    changes.append(Change(now if changes else 0, shards))
    try:
        replace_file(disk, file, ["".join(map(str, changes)).encode()])
    except OSError as error:
        raise StoreFailed(f"cannot write {file}: {error}") from error
    return changes
