"""``Search``: every question of the query API, over ``Searcher``, which runs queries."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from logyard.language.filters.stream import labels as stream_labels
from logyard.model.dialect import Dialect
from logyard.model.timestamp import parse
from logyard.query.buckets import Bucket, bucket_of_time
from logyard.query.calls import Call
from logyard.query.discovery import names_source, total_sql
from logyard.query.functions.count import Count as CountRows
from logyard.query.histogram import Count, Hits, series
from logyard.query.labels import at_instant, labels_of, over_range, ranged
from logyard.query.names import ALIASES
from logyard.query.parse import Query
from logyard.query.pipes.facets import Facets
from logyard.query.pipes.field_names import FieldNames
from logyard.query.pipes.field_values import FieldValues
from logyard.query.pipes.filter import FilterPipe
from logyard.query.pipes.stats import Stats
from logyard.query.plan import Plan, newest
from logyard.query.records import Records
from logyard.query.rollup import rolled_up
from logyard.query.rows import Row
from logyard.query.run import QueryRequest
from logyard.query.sandbox import READ_ONLY, canonical_sql, checked, limited, tree_sql
from logyard.types import Json

__all__ = ["Facet", "FacetLimits", "Hits", "QueryRequest", "Search", "Value"]

_NAMES_ROWS: Final = 1_000_000
"""Rows in which field names are looked for, where no roll-up knows them."""
_DAY: Final = 86_400_000_000_000
_FACET_ROWS: Final = {Dialect.NATIVE: 20_000, Dialect.VICTORIA: 200_000}
"""Rows that facets look at, the newest: 5 us each. VictoriaLogs' clients are promised more exact answers."""


class Value(msgspec.Struct, frozen=True):
    """A value and how many rows have it."""

    value: str
    hits: int


class Facet(msgspec.Struct, frozen=True):
    """A field and its most frequent values."""

    field_name: str
    values: list[Value]


class FacetLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What facets leave out; see ``pipes/facets.py``."""

    limit: int = 10
    max_values: int = 1000
    max_length: int = 128
    keep_const: bool = False


class Search(Records):
    """The questions of the API. Use from one event loop."""

    async def hits(
        self, request: QueryRequest, *, step: int = _DAY, offset: int = 0, fields: Sequence[str] = (), most: int = 0
    ) -> list[Hits]:
        """Rows by time and fields. ``step`` and ``offset`` in nanoseconds; ``most`` series, the rest as one
        without fields.
        """
        made = await self.prepared(self._filtered(request), request)
        if made.rest:
            buckets = (bucket_of_time(step, offset), *map(Bucket, fields))
            return series(await self._counted_in_memory(made, request, buckets), fields, most)
        stage = made.stage
        keys = {"at": bucket_of_time(step, offset).key(stage.cell("_time"))}
        keys |= {f"field{index}": stage.text(name) for index, name in enumerate(fields)}
        counted = stage.grouped({**keys, "hits": "count()"}, tuple(keys))
        frame = await self.engine.ask(f"SELECT {', '.join([*keys, 'hits'])} FROM {counted}", seconds=request.timeout)
        return series(((tuple(map(str, row[1:-1])), row[0], row[-1]) for row in frame.rows()), fields, most)

    async def facets(self, request: QueryRequest, limits: FacetLimits | None = None) -> list[Facet]:
        """The most frequent values of the fields: of all records by the roll-up, else of (the newest of) the rows."""
        wanted = limits or FacetLimits()
        pipe = Facets(wanted.limit, wanted.max_values, wanted.max_length, wanted.keep_const)
        query = self.read(request)
        made = await self.prepared(query, request)
        rolled = rolled_up(query, request.scope(), values=True)
        most = _FACET_ROWS[request.dialect]
        if rolled is not None:
            made = Plan(pipe.among(rolled, total_sql(made.stage)))
        elif not made.rest and (stage := pipe.over(newest(made.stage, None), most=most)) is not None:
            made = Plan(stage)
        else:
            made = Plan(made.stage, (*made.rest, pipe))
        found: dict[str, list[Value]] = {}
        async for chunk in self.run(made, _unlimited(request)):
            for row in chunk:
                value = Value(str(row.get("field_value", "")), int(str(row["hits"])))
                found.setdefault(str(row.get("field_name", "")), []).append(value)  # a field may be called ""
        return [Facet(name, values) for name, values in found.items()]

    async def field_names(self, request: QueryRequest) -> list[Value]:
        """The fields that rows have, and in how many they are; of many rows, an estimate."""
        query = self.read(request)
        made = await self.prepared(query, request)
        rolled = rolled_up(query, request.scope(), values=False)
        source = None if made.rest else names_source(made.stage, rolled, most=_NAMES_ROWS)
        if source is None:
            return await self._values_of(request, FieldNames())
        frame = await self.engine.ask(f"SELECT name, hits FROM {source}", seconds=request.timeout)
        return sorted((Value(name, hits) for name, hits in frame.rows()), key=lambda each: (-each.hits, each.value))

    async def field_values(self, request: QueryRequest, field: str, limit: int = 0) -> list[Value]:
        """The values of a field, the empty one among them, the most frequent first."""
        found = await self._values_of(request, FieldValues(field))
        return found[:limit] if limit else found

    async def streams(self, request: QueryRequest, limit: int = 0) -> list[Value]:
        """The streams that rows are in, the most frequent first."""
        found = await self.field_values(request, "_stream", limit)
        return [each for each in found if each.value]

    async def stream_field_names(self, request: QueryRequest) -> list[Value]:
        """The names of the labels of the rows' streams."""
        return await self._labels(request, lambda labels: labels)

    async def stream_field_values(self, request: QueryRequest, field: str, limit: int = 0) -> list[Value]:
        """The values of one label of the rows' streams."""
        found = await self._labels(request, lambda labels: [labels[field]] if field in labels else [])
        return found[:limit] if limit else found

    async def stats_query(self, request: QueryRequest) -> list[Json]:
        """A query with ``stats`` as Prometheus' vector. ``BadQuery`` when its rows are no metrics."""
        query = self.read(request)
        labels = labels_of(query)
        now = self.clock.now() if request.now is None else request.now
        return at_instant(await self.all_rows(query, _unlimited(request)), labels, now)

    async def stats_query_range(self, request: QueryRequest, *, step: int = _DAY, offset: int = 0) -> list[Json]:
        """A query with ``stats`` as Prometheus' matrix, in steps of so many nanoseconds."""
        query = ranged(self.read(request), step, offset)
        labels = labels_of(query, step=step)
        return over_range(await self.all_rows(query, _unlimited(request)), labels)

    async def sql(self, text: str, *, limit: int = 1000, timeout: float | None = None) -> list[Row]:  # noqa: ASYNC109 - the engine keeps the time
        """A SELECT on the table ``logs``, read-only and limited. ``BadQuery`` for anything else. Sees all tenants."""
        await self.settled()
        statement = str((await self.engine.ask(canonical_sql(text))).item())
        tree = await self.engine.ask(tree_sql(statement))
        safe = checked(statement, "\n".join(tree.to_series(0)).split("\n"))
        frame = await self.engine.ask(limited(safe, limit), seconds=timeout, settings=READ_ONLY)
        return [{name: _json(value) for name, value in row.items()} for row in frame.head(limit).rows(named=True)]

    def _filtered(self, request: QueryRequest) -> Query:
        """The filter of a query and the filters right behind it, without its other pipes."""
        query = self.read(request)
        places = [index for index, pipe in enumerate(query.pipes) if not isinstance(pipe, FilterPipe)]
        return dataclasses.replace(query, pipes=query.pipes[: places[0]] if places else query.pipes)

    async def _values_of(self, request: QueryRequest, pipe: FieldNames | FieldValues) -> list[Value]:
        query = self.read(request)
        asked = dataclasses.replace(query, pipes=(*query.pipes, pipe))
        names = (pipe.field, ALIASES.get(pipe.field, pipe.field))
        rows = await self.all_rows(asked, _unlimited(request))
        found = [Value(_first(row, names), int(str(row[pipe.hits]))) for row in rows]
        return sorted(found, key=lambda each: (-each.hits, each.value))

    async def _counted_in_memory(self, made: Plan, request: QueryRequest, buckets: tuple[Bucket, ...]) -> list[Count]:
        counted = Plan(made.stage, (*made.rest, Stats(buckets, (Call(CountRows(), "hits"),))))
        rows = [row async for chunk in self.run(counted, _unlimited(request)) for row in chunk]
        names = [(bucket.field, ALIASES.get(bucket.field, bucket.field)) for bucket in buckets]
        return [
            (
                tuple(_first(row, name) for name in names[1:]),
                parse(_first(row, names[0])) or 0,
                int(str(row["hits"])),
            )
            for row in rows
        ]

    async def _labels(self, request: QueryRequest, pick: Callable[[dict[str, str]], Iterable[str]]) -> list[Value]:
        counts: Counter[str] = Counter()
        for stream in await self.streams(request):
            for picked in pick(stream_labels(stream.value)):
                counts[picked] += stream.hits
        return [Value(value, hits) for value, hits in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]


def _unlimited(request: QueryRequest) -> QueryRequest:
    return msgspec.structs.replace(request, limit=None)


def _first(row: Row, names: Iterable[str]) -> str:
    return next((str(row[name]) for name in names if name in row), "")


def _json(value: object) -> Json:
    found: Json = msgspec.to_builtins(value, enc_hook=str)
    return found
