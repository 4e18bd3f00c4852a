"""Queries that a live tail can follow: a filter, and pipes that work row by row."""

from collections.abc import Iterator

from logyard.errors import BadQuery
from logyard.language.ast import Filter, ValuesFilter, walk
from logyard.language.levels import canonical_levels
from logyard.model.dialect import Dialect
from logyard.query.parse import Query, parse_query
from logyard.query.plan import filters_mapped

__all__ = ["fields", "read"]


def read(query: str, now: int, dialect: Dialect) -> Query:
    """``query`` at the instant ``now``, in nanoseconds. ``BadQuery`` for what cannot be tailed."""
    found = parse_query(query, now=now)
    if dialect is Dialect.NATIVE:
        found = filters_mapped(found, canonical_levels)
    for pipe in found.pipes:
        if not pipe.row_wise:
            raise BadQuery(f"a live tail cannot go through '| {pipe}', which needs to see all rows")
    for filter_ in _filters(found):
        if any(isinstance(each, ValuesFilter) and each.subquery is not None for each in walk(filter_)):
            raise BadQuery(f"a live tail cannot ask another query: {filter_}")
    return found


def fields(query: Query) -> frozenset[str]:
    """The fields that any of its filters reads."""
    return frozenset[str]().union(*(each.fields() for each in _filters(query)))


def _filters(query: Query) -> Iterator[Filter]:
    yield query.filter
    for pipe in query.pipes:
        yield from pipe.filters()
