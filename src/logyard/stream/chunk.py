"""What travels on the live side: loads into the matcher, chunks and notices out of it.

A *load* is one or more published batches of one tenant, decoded together, once. A *watch* is one question
to the live stream; everybody who asks the same shares one watch and its answers. A *chunk* is its answer to
a load: rows already rendered, so that a hundred subscribers cost one match and one encoding.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import Final, Protocol

import msgspec
import polars as pl

from logyard.types import LogId, Tenant

__all__ = ["NO_ROWS", "Chunk", "Load", "Missed", "Nth", "Watch"]

Nth = Callable[[LogId, int], LogId]
"""Id of record ``i`` of the batch that begins at ``first``: ``LogIds.nth``."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Decoded batches of one tenant, in the order of acknowledgement."""

    frame: pl.DataFrame
    """Columns of ``model/schema.FRAME``."""
    places: pl.DataFrame
    """A row for each of ``frame``: ``first`` and ``row``, which make its id, and ``received`` in
    nanoseconds.
    """
    nth: Nth
    tenant: Tenant = Tenant("")

    def matching(self, found: pl.Series) -> "Load":
        """The rows where ``found`` is true."""
        if found.all():
            return self
        return msgspec.structs.replace(self, frame=self.frame.filter(found), places=self.places.filter(found))

    def ids(self) -> tuple[LogId, ...]:
        """Ids of the rows. Python work for each row: ask only for rows that somebody gets."""
        pairs = zip(self.places["first"].to_list(), self.places["row"].to_list(), strict=True)
        return tuple(self.nth(first, row) for first, row in pairs)


class Chunk(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Rows that one watch found in one load, rendered; shared by all its subscribers."""

    ids: Sequence[LogId]
    lines: Sequence[bytes]
    """One JSON object a row, UTF-8, without a line break."""
    services: Sequence[str] = ()
    """The service of each row, where the watch gives it."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.lines)

    @cached_property
    def bytes(self) -> int:
        """Size of the lines; counted once, for all subscribers."""
        return sum(map(len, self.lines))

    def part(self, start: int, stop: int | None = None) -> "Chunk":
        """Rows ``start`` to ``stop``, as of a list."""
        return Chunk(ids=self.ids[start:stop], lines=self.lines[start:stop], services=self.services[start:stop])

    def parts(self, rows: int, size: int) -> Iterator["Chunk"]:
        """The same in chunks of at most ``rows`` rows and ``size`` bytes; a row alone may be larger."""
        if self.rows <= rows and self.bytes <= size:
            yield self
            return
        start = held = 0
        for place, line in enumerate(self.lines):
            if place > start and (place - start == rows or held + len(line) > size):
                yield self.part(start, place)
                start, held = place, 0
            held += len(line)
        yield self.part(start)

    def without(self, ids: frozenset[LogId]) -> "Chunk":
        """The rows whose id is not among these."""
        if ids.isdisjoint(self.ids):
            return self
        kept = [index for index, each in enumerate(self.ids) if each not in ids]
        return Chunk(
            ids=[self.ids[index] for index in kept],
            lines=[self.lines[index] for index in kept],
            services=[self.services[index] for index in kept] if self.services else (),
        )


NO_ROWS: Final = Chunk(ids=(), lines=())
"""Nothing found."""


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """So many rows are missing at this place of the stream."""

    count: int
    exact: bool = True
    """False: ``count`` rows were skipped before it was known which of them match; it is the most there can
    be.
    """

    def __add__(self, other: "Missed") -> "Missed":
        return Missed(count=self.count + other.count, exact=self.exact and other.exact)


class Watch(Protocol):
    """One question to the live stream."""

    @property
    def key(self) -> Hashable:
        """Watches with equal keys give equal answers; the hub asks only one of them."""
        ...

    @property
    def tenant(self) -> Tenant | None:
        """Whose records it may see; None for everybody's."""
        ...

    def answer(self, load: Load) -> Chunk:
        """The rows of ``load`` that it wants, in order. Called in the matcher's thread, never twice at
        once. An error ends the subscriptions of this watch and no other.
        """
        ...
