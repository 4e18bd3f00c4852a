"""Questions about single records: by id, the last of a service, a page of a list, what stood around one."""

import dataclasses

import msgspec
import polars as pl

from logyard.query.expressions import literal
from logyard.query.pipes.filter import FilterPipe
from logyard.query.plan import NEWEST, Plan, Scope, base_stage, newest
from logyard.query.rows import Row
from logyard.query.run import QueryRequest, Searcher
from logyard.query.sent import SENT_COLUMNS, sent_rows
from logyard.query.stage import Stage

__all__ = ["Listing", "Records"]

_OLDEST = tuple(each.removesuffix(" DESC") for each in NEWEST)


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list."""

    rows: list[Row]
    total: int
    """On all pages."""
    newest: int
    """The highest id on all pages; 0 when there is none."""


class Records(Searcher):
    """Records as they were sent, and their surroundings."""

    async def by_id(self, number: int, *, tenant: str = "") -> Row | None:
        """One record as it was sent, with its id; None when there is none."""
        await self.settled()
        found = await self._sent(dataclasses.replace(_all(tenant).having(f"id = {number}"), limit=1))
        return found[0] if found else None

    async def last(self, service: str, limit: int, *, tenant: str = "") -> list[Row]:
        """The last records of a service as they were sent, oldest first."""
        await self.settled()
        found = await self._sent(newest(_all(tenant).having(f"service = {literal(service)}"), limit))
        return found[::-1]

    async def listing(self, request: QueryRequest, limit: int, offset: int = 0, *, until: int | None = None) -> Listing:
        """A page of records as they were sent, newest first. The query is a filter.

        ``until``: the ``newest`` of an earlier page; records that came later are left out, so that pages do not shift.
        """
        query = self.read(request)
        filters = tuple(pipe for pipe in query.pipes if isinstance(pipe, FilterPipe))
        made = await self.prepared(dataclasses.replace(query, pipes=filters), request)
        latest = await self._latest(made.stage, request) if until is None else until
        stage = made.stage.having(f"id <= {latest}")
        total = int((await self.engine.ask(stage.select("count()"), seconds=request.timeout)).item())
        page = dataclasses.replace(newest(stage, limit), offset=offset)
        rows = await self._sent(page, request.timeout) if total else []
        return Listing(rows=rows, total=total, newest=latest)

    async def _latest(self, stage: Stage, request: QueryRequest) -> int:
        """The highest id of a stage, once all below it can be found.

        Parcels may become visible out of turn: a record that is not acknowledged yet may be seen before one with a
        lower id. In the log they are in order, so that whatever is below one that was seen is acknowledged by now.
        """
        latest = int((await self.engine.ask(stage.select("max(id)"), seconds=request.timeout)).item())
        await self.settled()
        return latest

    async def context(
        self, number: int, *, before: int = 10, after: int = 10, request: QueryRequest | None = None
    ) -> list[Row]:
        """A record and its neighbours in its stream, oldest first; nothing when there is no such record.

        Of ``request``, the dialect, the tenant and the timeout hold.
        """
        asked = request or QueryRequest()
        await self.settled()
        base = base_stage(Scope(dialect=asked.dialect, tenant=asked.tenant))
        place = "toUnixTimestamp64Nano(timestamp), toString(stream)"
        found = await self.engine.ask(dataclasses.replace(base.having(f"id = {number}"), limit=1).select(place))
        if not found.height:
            return []
        at, stream = found.row(0)
        here = f"fromUnixTimestamp64Nano(toInt64({at}), 'UTC')"
        near = base.having(f"stream = {literal(stream)}")
        older = near.having(f"timestamp <= {here}", f"(timestamp, id) <= ({here}, {number})")
        younger = near.having(f"timestamp >= {here}", f"(timestamp, id) > ({here}, {number})")
        earlier = await self._run(dataclasses.replace(older, order=NEWEST, limit=before + 1), asked)
        later = await self._run(dataclasses.replace(younger, order=_OLDEST, limit=after), asked) if after else []
        return [*earlier[::-1], *later]

    async def _run(self, stage: Stage, asked: QueryRequest) -> list[Row]:
        plain = QueryRequest(dialect=asked.dialect, tenant=asked.tenant, timeout=asked.timeout)
        return [row async for chunk in self.run(Plan(stage), plain) for row in chunk]

    async def _sent(self, stage: Stage, seconds: float | None = None) -> list[Row]:
        frame: pl.DataFrame = await self.engine.ask(stage.select(SENT_COLUMNS), seconds=seconds)
        return list(sent_rows(frame, self.show_id))


def _all(tenant: str) -> Stage:
    return base_stage(Scope(tenant=tenant))
