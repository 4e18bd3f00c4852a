"""``Search``: every question of the query API, over ``Searcher``, which runs queries."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from logyard.language.filters.stream import labels as stream_labels
from logyard.model.timestamp import format_ns, parse
from logyard.query.buckets import Bucket, bucket_of_time
from logyard.query.calls import Call
from logyard.query.functions.count import Count
from logyard.query.labels import at_instant, labels_of, over_range, ranged
from logyard.query.names import ALIASES
from logyard.query.parse import Query
from logyard.query.pipe import Pipe
from logyard.query.pipes.facets import Facets
from logyard.query.pipes.field_names import FieldNames
from logyard.query.pipes.field_values import FieldValues
from logyard.query.pipes.filter import FilterPipe
from logyard.query.pipes.stats import Stats
from logyard.query.plan import Plan, newest
from logyard.query.records import Records
from logyard.query.rows import Row
from logyard.query.run import QueryRequest
from logyard.query.sandbox import READ_ONLY, canonical_sql, checked, limited, tree_sql
from logyard.types import Json

__all__ = ["FacetLimits", "Facet", "Hits", "QueryRequest", "Search", "Value"]

_DAY: Final = 86_400_000_000_000
_FACET_ROWS: Final = 200_000
"""Rows that facets look at, the newest; the canonical columns are few values and would bear more, attributes not."""


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


class Hits(msgspec.Struct, frozen=True):
    """Numbers of rows over time, for one combination of fields; only times with rows are listed."""

    fields: dict[str, str]
    timestamps: list[str]
    values: list[int]
    total: int


class Search(Records):
    """The questions of the API. Use from one event loop."""

    async def hits(
        self, request: QueryRequest, *, step: int = _DAY, offset: int = 0, fields: Sequence[str] = (), most: int = 0
    ) -> list[Hits]:
        """Rows by time and fields. ``step`` and ``offset`` in nanoseconds; ``most`` series, the rest as one without fields."""
        query = self._filtered(request)
        by = (bucket_of_time(step, offset), *map(Bucket, fields))
        counted = dataclasses.replace(query, pipes=(*query.pipes, Stats(by, (Call(Count(), "hits"),))))
        rows = await self.all_rows(counted, _unlimited(request))
        return _series(rows, fields, most)

    async def facets(self, request: QueryRequest, limits: FacetLimits | None = None) -> list[Facet]:
        """The most frequent values of the fields of (the newest of) the rows."""
        wanted = limits or FacetLimits()
        pipe = Facets(wanted.limit, wanted.max_values, wanted.max_length, wanted.keep_const)
        made = await self.prepared(self.read(request), request)
        stage = None if made.rest else pipe.over(newest(made.stage, None), most=_FACET_ROWS)
        made = Plan(stage) if stage is not None else Plan(made.stage, (*made.rest, pipe))
        rows = [row async for chunk in self.run(made, _unlimited(request)) for row in chunk]
        found: dict[str, list[Value]] = {}
        for row in rows:
            found.setdefault(str(row["field_name"]), []).append(Value(str(row["field_value"]), int(str(row["hits"]))))
        return [Facet(name, values) for name, values in found.items()]

    async def field_names(self, request: QueryRequest) -> list[Value]:
        """The fields that rows have."""
        return await self._values_of(request, FieldNames(), "name")

    async def field_values(self, request: QueryRequest, field: str, limit: int = 0) -> list[Value]:
        """The values of a field, the empty one among them, the most frequent first."""
        pipe = FieldValues(field)
        found = await self._values_of(request, pipe, field, pipe.hits_name())
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

    async def sql(self, text: str, *, limit: int = 1000, timeout: float | None = None) -> list[Row]:
        """A SELECT on the table ``logs``, read-only and limited. ``BadQuery`` for anything else. Sees all tenants."""
        await self.settled()
        statement = str((await self.engine.ask(canonical_sql(text))).item())
        tree = await self.engine.ask(tree_sql(statement))
        safe = checked(statement, "\n".join(tree.to_series(0)).split("\n"))
        frame = await self.engine.ask(limited(safe, limit), timeout=timeout, settings=READ_ONLY)
        return [{name: _json(value) for name, value in row.items()} for row in frame.head(limit).rows(named=True)]

    def _filtered(self, request: QueryRequest) -> Query:
        """The filter of a query and the filters right behind it, without its other pipes."""
        query = self.read(request)
        places = [index for index, pipe in enumerate(query.pipes) if not isinstance(pipe, FilterPipe)]
        return dataclasses.replace(query, pipes=query.pipes[: places[0]] if places else query.pipes)

    async def _values_of(self, request: QueryRequest, pipe: Pipe, field: str, hits: str = "hits") -> list[Value]:
        query = self.read(request)
        asked = dataclasses.replace(query, pipes=(*query.pipes, pipe))
        rows = await self.all_rows(asked, _unlimited(request))
        names = (field, ALIASES.get(field, field))
        found = [Value(_first(row, names), int(str(row[hits]))) for row in rows]
        return sorted(found, key=lambda each: (-each.hits, each.value))

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


def _series(rows: Iterable[Row], fields: Sequence[str], most: int) -> list[Hits]:
    """Rows of ``stats by (_time, fields)`` as series, the largest first."""
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for row in rows:
        key = tuple(_first(row, (name, ALIASES.get(name, name))) for name in fields)
        time, count = _first(row, ("_time", "timestamp")), int(str(row["hits"]))
        times = found.setdefault(key, {})
        times[time] = times.get(time, 0) + count
    ordered = sorted(found.items(), key=lambda each: (-sum(each[1].values()), each[0]))
    if most and len(ordered) > most:
        rest: Counter[str] = Counter()
        for _, times in ordered[most:]:
            rest.update(times)
        return [*(_hits(fields, key, times) for key, times in ordered[:most]), _hits((), (), rest)]
    return [_hits(fields, key, times) for key, times in ordered]


def _hits(fields: Sequence[str], key: Sequence[str], times: Mapping[str, int]) -> Hits:
    listed = sorted((parse(time) or 0, count) for time, count in times.items())
    return Hits(
        fields=dict(zip(fields, key, strict=True)),
        timestamps=[format_ns(time) for time, _ in listed],
        values=[count for _, count in listed],
        total=sum(count for _, count in listed),
    )


def _json(value: object) -> Json:
    found: Json = msgspec.to_builtins(value, enc_hook=str)
    return found
