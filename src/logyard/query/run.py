"""Queries, run: the interface that HTTP, the command line and the live tail use.

    search = Search(store, settle=drain.settle, budget=Budget(config.query), clock=clock, show_id=ids.text)
    async for rows in search.rows(QueryRequest(query="error | fields message", limit=100)): ...

Every question first waits until all that was acknowledged before it can be found (``settle``).
"""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Final

import msgspec

from logyard.clock import Clock
from logyard.errors import BadQuery, QueryTooLarge
from logyard.language.ast import All, Filter, ValuesFilter, all_of, rewritten, walk
from logyard.language.levels import canonical_levels
from logyard.model.dialect import Dialect
from logyard.ports import Store
from logyard.query.budget import Budget
from logyard.query.engine import Engine
from logyard.query.memory import as_table, through
from logyard.query.parse import Query, parse_query
from logyard.query.plan import Plan, Scope, filters_mapped, newest, plan
from logyard.query.rows import Reader, Row, native_reader, table_reader, victoria_reader
from logyard.query.stage import Stage
from logyard.query.table import text
from logyard.types import LogId

__all__ = ["QueryRequest", "Searcher"]

_MOST_VALUES: Final = 1_000_000
"""Values that a query inside a filter may give."""


class QueryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A question. Times in nanoseconds."""

    query: str = "*"
    start: int | None = None
    """First instant inside."""
    end: int | None = None
    """First instant outside; in the Victoria dialect the last one inside."""
    limit: int | None = None
    """Most rows; without pipes that order, the newest."""
    dialect: Dialect = Dialect.NATIVE
    tenant: str = ""
    timeout: float | None = None
    """Seconds; the configured limit is the longest."""
    now: int | None = None
    """What ``_time:5m`` refers to; the present without it."""
    ids: bool = False
    """Rows of stored records bring our id in the Victoria dialect, too: as ``_id``. (Natively it is always ``id``.)"""
    filters: tuple[Filter, ...] = ()
    """Further filters that must hold: those of the request, of a key's scope."""

    def scope(self) -> Scope:
        """The records that the question is about."""
        end = self.end
        if end is not None and self.dialect is Dialect.VICTORIA:
            end += 1
        return Scope(dialect=self.dialect, tenant=self.tenant, start=self.start, end=end)


class Searcher:
    """Runs queries that were read. ``Search`` (``search.py``) adds the questions of the API to it."""

    def __init__(
        self,
        store: Store,
        *,
        settle: Callable[[], Awaitable[None]],
        budget: Budget,
        clock: Clock,
        show_id: Callable[[LogId], str],
    ) -> None:
        """``settle`` waits until all that was acknowledged is in the store; ``show_id`` gives the text of an id."""
        self.engine = Engine(store, budget)
        self.clock = clock
        self.show_id = show_id
        self._settle = settle

    async def rows(self, request: QueryRequest) -> AsyncGenerator[list[Row], None]:
        """The answer, some rows at a time. Closing the generator stops the engine's work.

        Raises ``BadQuery``, ``QueryStopped``, ``Backpressure`` or ``StoreFailed``, at any point.
        """
        made = await self.prepared(self.read(request), request)
        async with aclosing(self.run(made, request)) as chunks:
            async for chunk in chunks:
                yield chunk

    def read(self, request: QueryRequest) -> Query:
        """The query of a request, with the request's further filters in it. Raises ``BadQuery``."""
        now = self.clock.now() if request.now is None else request.now
        query = parse_query(request.query, now=now)
        if request.filters:
            parts = [*request.filters, *(() if isinstance(query.filter, All) else (query.filter,))]
            query = dataclasses.replace(query, filter=all_of(parts))
        return query

    async def prepared(self, query: Query, request: QueryRequest) -> Plan:
        """Waits until the store is up to date, runs the queries inside the query, and plans the rest."""
        await self._settle()
        return plan(await self.resolved(query, request), request.scope())

    async def run(self, made: Plan, request: QueryRequest) -> AsyncGenerator[list[Row], None]:
        """The rows of a plan, in chunks."""
        stage = newest(made.stage, None if made.rest else request.limit or None)
        reader = self._reader(stage, request)
        closed = table_reader(stage, self.show_id) if made.rest and not stage.open else None
        columns = reader.columns if closed is None else closed.columns
        left = request.limit or None
        async with aclosing(self.engine.stream(stage.select(columns), seconds=request.timeout)) as frames:
            chunks: AsyncIterator[list[Row]] = (list(reader.rows(frame)) async for frame in frames)
            if closed is not None:
                chunks = through((closed.table(frame) async for frame in frames), made.rest, request.dialect)
            elif made.rest:
                chunks = through((as_table(reader.rows(frame)) async for frame in frames), made.rest, request.dialect)
            async for chunk in chunks:
                wanted = chunk if left is None else chunk[:left]
                if wanted:
                    yield wanted
                if left is not None and (left := left - len(wanted)) <= 0:
                    return

    async def all_rows(self, query: Query, request: QueryRequest) -> list[Row]:
        """The whole answer of a query that gives few rows."""
        made = await self.prepared(query, request)
        async with aclosing(self.run(made, request)) as chunks:
            return [row async for chunk in chunks for row in chunk]

    async def conditions(self, request: QueryRequest) -> tuple[str, ...]:
        """A query that only filters, as conditions on the table; waits as ``prepared`` does.

        Raises ``BadQuery`` for one with pipes, or with a filter that only memory can answer.
        """
        query = self.read(request)
        made = await self.prepared(query, request)
        if query.pipes or made.rest:
            raise BadQuery("rows are chosen by a filter that the engine can answer, without pipes", query=request.query)
        return made.stage.where

    async def settled(self) -> None:
        """Wait until all that was acknowledged can be found."""
        await self._settle()

    def close(self) -> None:
        """Wait for the calls that are under way. The store stays open."""
        self.engine.close()

    def _reader(self, stage: Stage, request: QueryRequest) -> Reader:
        if request.dialect is Dialect.VICTORIA:
            return victoria_reader(stage, self.show_id if request.ids else None)
        return native_reader(stage, self.show_id)

    async def resolved(self, query: Query, request: QueryRequest) -> Query:
        """The query with canonical levels (native dialect) and with the answers of the queries inside it."""
        if request.dialect is Dialect.NATIVE:
            query = filters_mapped(query, canonical_levels)
        answers: dict[ValuesFilter, tuple[str, ...]] = {}
        for filter_ in (query.filter, *(each for pipe in query.pipes for each in pipe.filters())):
            for part in walk(filter_):
                if isinstance(part, ValuesFilter) and isinstance(part.subquery, Query) and part not in answers:
                    answers[part] = await self._values(part.subquery, request)
        return filters_mapped(query, lambda each: _with_values(each, answers)) if answers else query

    async def _values(self, query: Query, request: QueryRequest) -> tuple[str, ...]:
        """The different values of a query's one field, the empty one among them."""
        whole = msgspec.structs.replace(request, limit=None)
        made = plan(await self.resolved(query, whole), whole.scope())
        field = query.field
        found: dict[str, None] = {}
        async with aclosing(self.run(made, whole)) as chunks:
            async for chunk in chunks:
                found.update(dict.fromkeys(text(as_table(chunk), field)))
                if len(found) > _MOST_VALUES:
                    raise QueryTooLarge(f"a query inside the filter gives more than {_MOST_VALUES} values")
        return tuple(found)


def _with_values(filter_: Filter, answers: Mapping[ValuesFilter, tuple[str, ...]]) -> Filter:
    def change(part: Filter) -> Filter:
        found = answers.get(part) if isinstance(part, ValuesFilter) else None
        return part if found is None or not isinstance(part, ValuesFilter) else part.resolved(found)

    return rewritten(filter_, change)
