"""A filter of the query language as a condition of a step."""

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from logyard.errors import BadConfig, BadQuery
from logyard.language.ast import All, Filter
from logyard.language.entry import parse_filter
from logyard.language.levels import canonical_levels
from logyard.language.view import View

__all__ = ["Condition", "condition", "first_of", "read_filter"]

Condition = Callable[[pl.DataFrame], pl.Series]

_EVERYTHING: Final = frozenset({"", "*"})


def read_filter(where: str, *, now: int = 0, path: str = "where") -> Filter:
    """The filter; ``*`` and "" match everything. Raises ``BadConfig``."""
    if where in _EVERYTHING:
        return All()
    try:
        return canonical_levels(parse_filter(where, now=now))
    except BadQuery as error:
        raise BadConfig(str(error), path=path) from error


def condition(where: str, *, now: int = 0) -> Condition:
    """Frame to one boolean a row; compiled once. ``*`` and "" match everything. Raises ``BadConfig``."""
    node = read_filter(where, now=now)
    if isinstance(node, All):
        return lambda frame: pl.Series([True]).new_from_index(0, frame.height)
    return lambda frame: node.match(View.of_frame(frame))


def first_of(filters: Sequence[Filter]) -> Condition:
    """Frame to one number a row: the first of the filters that matches it, null where none does."""

    def first(frame: pl.DataFrame) -> pl.Series:
        view = View.of_frame(frame)
        found = pl.Series([None], dtype=pl.UInt32).new_from_index(0, frame.height)
        missing = pl.Series([True]).new_from_index(0, frame.height)
        for number, each in enumerate(filters):
            hits = missing & each.match(view)
            if not hits.any():
                continue
            found = found.set(hits, number)
            missing = missing & ~hits
            if not missing.any():
                break
        return found

    return first
