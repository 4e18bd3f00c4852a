"""Questions about single records: by id, the last of a service, a page of a list, what stood around one."""

import dataclasses

import polars as pl

from logyard.query.expressions import literal
from logyard.query.pipes.filter import FilterPipe
from logyard.query.plan import NEWEST, Plan, Scope, base_stage, newest
from logyard.query.rows import Row
from logyard.query.run import QueryRequest, Searcher
from logyard.query.sent import SENT_COLUMNS, sent_rows
from logyard.query.stage import Stage

__all__ = ["Records"]

_OLDEST = tuple(each.removesuffix(" DESC") for each in NEWEST)


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

    async def listing(self, request: QueryRequest, limit: int, offset: int = 0) -> tuple[list[Row], int]:
        """Records as they were sent, newest first, and how many there are in all. The query is a filter."""
        query = self.read(request)
        filters = tuple(pipe for pipe in query.pipes if isinstance(pipe, FilterPipe))
        made = await self.prepared(dataclasses.replace(query, pipes=filters), request)
        total = await self.engine.ask(made.stage.select("count()"), seconds=request.timeout)
        page = dataclasses.replace(newest(made.stage, limit), offset=offset)
        return await self._sent(page, request.timeout), int(total.item())

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
