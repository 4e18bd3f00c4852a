"""What a tail is asked for, and who knows the stored rows that come before the live ones."""

from typing import Final, Protocol

import msgspec

from logyard.model.dialect import Dialect
from logyard.stream.chunk import Chunk
from logyard.stream.recent import Behind
from logyard.types import LogId, Nanoseconds, Tenant

__all__ = ["MOST_ROWS", "Stored", "TailRequest"]

MOST_ROWS: Final = 100_000
"""Most stored rows that a tail begins with."""


class TailRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One subscriber's wishes."""

    query: str = "*"
    dialect: Dialect = Dialect.NATIVE
    tenant: Tenant = Tenant("")
    start: Nanoseconds | None = None
    """Stored records since then come first."""
    limit: int = 0
    """At most so many stored records, the newest ones."""
    after: LogId | None = None
    """The last record that this subscriber has had: go on behind it, whatever ``start`` and ``limit`` say."""


class Stored(Protocol):
    """The stored side of a tail."""

    async def newest(self, request: TailRequest, behind: Behind | None) -> Chunk:
        """The newest rows that the request asks for, oldest first, with their ids.

        Sees everything acknowledged before the call. With ``behind`` only records in it count.
        """
        ...
