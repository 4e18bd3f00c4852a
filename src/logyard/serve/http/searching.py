"""The questions that routes put to the store: the part of ``query.search.Search`` that HTTP needs, as a port, so that a
test can answer them from memory.

All of them see what was acknowledged before them, raise ``BadQuery`` or ``QueryStopped``, ``Backpressure`` when too
many run at once, and stop the engine's work when they are cancelled (or their generator is closed).
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from logyard.query.records import Listing
from logyard.query.search import Facet, FacetLimits, Hits, QueryRequest, Value
from logyard.types import Json

__all__ = ["Row", "Searching", "facets_shown"]

Row = dict[str, Json]


def facets_shown(facets: Sequence[Facet]) -> list[Json]:
    """Facets as VictoriaLogs writes them."""
    return [
        {
            "field_name": facet.field_name,
            "values": [{"field_value": each.value, "hits": each.hits} for each in facet.values],
        }
        for facet in facets
    ]


class Searching(Protocol):
    """What can be asked. Times, steps and offsets in nanoseconds; a limit of 0 is none."""

    def rows(self, request: QueryRequest) -> AsyncIterator[list[Row]]:
        """The answer in chunks. A generator: closing it stops the engine's work."""
        ...

    async def sql(self, text: str, *, limit: int = ..., timeout: float | None = ...) -> list[Row]:  # noqa: ASYNC109 - the engine counts it
        """A read-only statement's answer."""
        ...

    async def settled(self) -> None:
        """Wait until all that was acknowledged can be found."""
        ...

    async def conditions(self, request: QueryRequest) -> tuple[str, ...]:
        """A query that only filters, as conditions on the table."""
        ...

    async def hits(
        self, request: QueryRequest, *, step: int = ..., offset: int = ..., fields: Sequence[str] = ..., most: int = ...
    ) -> list[Hits]:
        """Rows by time and fields; ``most`` series."""
        ...

    async def facets(self, request: QueryRequest, limits: FacetLimits | None = ...) -> list[Facet]:
        """The most frequent values of each field."""
        ...

    async def field_names(self, request: QueryRequest) -> list[Value]:
        """The fields that rows have."""
        ...

    async def field_values(self, request: QueryRequest, field: str, limit: int = ...) -> list[Value]:
        """The values of one field."""
        ...

    async def streams(self, request: QueryRequest, limit: int = ...) -> list[Value]:
        """The streams that rows are in."""
        ...

    async def stream_field_names(self, request: QueryRequest) -> list[Value]:
        """The names of the labels of streams."""
        ...

    async def stream_field_values(self, request: QueryRequest, field: str, limit: int = ...) -> list[Value]:
        """The values of one label of streams."""
        ...

    async def stats_query(self, request: QueryRequest) -> list[Json]:
        """Prometheus' vector."""
        ...

    async def stats_query_range(self, request: QueryRequest, *, step: int = ..., offset: int = ...) -> list[Json]:
        """Prometheus' matrix."""
        ...

    async def by_id(self, number: int) -> Row | None:
        """One record as it was sent."""
        ...

    async def last(self, service: str, limit: int) -> list[Row]:
        """The last records of a service as they were sent, oldest first."""
        ...

    async def listing(
        self, request: QueryRequest, limit: int, offset: int = ..., *, until: int | None = ...
    ) -> Listing:
        """Records as they were sent, newest first; none that is newer than the id ``until``."""
        ...

    async def context(self, number: int, *, before: int = ..., after: int = ...) -> list[Row]:
        """A record among its neighbours, oldest first; empty when there is no such record."""
        ...
