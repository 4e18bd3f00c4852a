"""A store that answers from memory: for tests of the web side, without an engine.

It does not understand queries: rows and tables are what the test put there. Records are found in the inlet beside it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from logyard.errors import LogyardError
from logyard.formats.json.lines import frame, records
from logyard.model.batch import Encoded
from logyard.query.records import Listing
from logyard.query.search import Facet, FacetLimits, Hits, QueryRequest, Value
from logyard.serve.http.searching import Row
from logyard.testing.inlet import MemoryInlet
from logyard.types import Json, Nanoseconds

__all__ = ["MemorySearch"]


class MemorySearch:
    """``serve.http.searching.Searching``. ``asked`` is what was asked, in order."""

    def __init__(self, inlet: MemoryInlet) -> None:
        self._inlet = inlet
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.asked: list[object] = []
        self.chunks: Sequence[list[Row]] = ()
        """What ``rows`` and ``sql`` give."""
        self.series: list[Hits] = []
        self.fields: list[Facet] = []
        self.values: list[Value] = []
        self.metrics: list[Json] = []
        self.failure: LogyardError | None = None
        """Raised instead of a table, and behind the last chunk."""
        self.hangs = False
        """Behind the last chunk comes nothing, not even an end."""
        self.closed = asyncio.Event()
        """Set when a stream of rows has ended, for whatever reason."""

    async def rows(self, request: QueryRequest) -> AsyncIterator[list[Row]]:
        """The chunks, then the failure, or nothing for ever."""
        self.asked.append(request)
        try:
            for chunk in self.chunks:
                yield chunk
            if self.hangs:
                await asyncio.Event().wait()
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed.set()

    async def settled(self) -> None:
        """At once."""

    async def conditions(self, request: QueryRequest) -> tuple[str, ...]:
        """None."""
        self.asked.append(request)
        return ()

    async def sql(self, text: str, *, limit: int = 1000, timeout: float | None = None) -> list[Row]:  # noqa: ASYNC109 - as the port has it
        """All rows of the chunks."""
        self._ask((text, limit, timeout))
        return [row for chunk in self.chunks for row in chunk]

    async def hits(
        self, request: QueryRequest, *, step: int = 0, offset: int = 0, fields: Sequence[str] = (), most: int = 0
    ) -> list[Hits]:
        """The series."""
        self._ask((request, step, offset, tuple(fields), most))
        return self.series

    async def facets(self, request: QueryRequest, limits: FacetLimits | None = None) -> list[Facet]:
        """The fields."""
        self._ask((request, limits))
        return self.fields

    async def field_names(self, request: QueryRequest) -> list[Value]:
        """The values."""
        return self._ask(request)

    async def field_values(self, request: QueryRequest, field: str, limit: int = 0) -> list[Value]:
        """The values."""
        return self._ask((request, field, limit))

    async def streams(self, request: QueryRequest, limit: int = 0) -> list[Value]:
        """The values."""
        return self._ask((request, limit))

    async def stream_field_names(self, request: QueryRequest) -> list[Value]:
        """The values."""
        return self._ask(request)

    async def stream_field_values(self, request: QueryRequest, field: str, limit: int = 0) -> list[Value]:
        """The values."""
        return self._ask((request, field, limit))

    async def stats_query(self, request: QueryRequest) -> list[Json]:
        """The metrics."""
        self._ask(request)
        return self.metrics

    async def stats_query_range(self, request: QueryRequest, *, step: int = 0, offset: int = 0) -> list[Json]:
        """The metrics."""
        self._ask((request, step, offset))
        return self.metrics

    async def by_id(self, number: int) -> Row | None:
        """From the inlet."""
        return next((row for log_id, _, row in self._stored() if log_id == number), None)

    async def last(self, service: str, limit: int) -> list[Row]:
        """From the inlet."""
        self._ask((service, limit))
        return [row for _, name, row in self._stored() if name == service][-limit:]

    async def listing(self, request: QueryRequest, limit: int, offset: int = 0, *, until: int | None = None) -> Listing:
        """Everything in the inlet."""
        self._ask((request, limit, offset))
        stored = [(log_id, row) for log_id, _, row in self._stored() if until is None or log_id <= until][::-1]
        found = [row for _, row in stored]
        return Listing(rows=found[offset : offset + limit], total=len(found), newest=stored[0][0] if stored else 0)

    async def context(self, number: int, *, before: int = 10, after: int = 10) -> list[Row]:
        """From the inlet, whatever the stream."""
        stored = self._stored()
        at = next((place for place, (log_id, _, _) in enumerate(stored) if log_id == number), None)
        return [] if at is None else [row for _, _, row in stored[max(0, at - before) : at + after + 1]]

    def _ask(self, asked: object) -> list[Value]:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        return self.values

    def _stored(self) -> list[tuple[int, str, Row]]:
        """Id, service and record of all, in the order of their coming."""
        found: list[tuple[int, str, Row]] = []
        for submission, first in zip(self._inlet.submissions, self._inlet.firsts, strict=True):
            body = submission.body
            rows = frame(body, Nanoseconds(0)) if isinstance(body, Encoded) else body
            pairs = zip(rows["service"].to_list(), records(rows), strict=True)
            found += [(first + place, service, record) for place, (service, record) in enumerate(pairs)]
        return found
