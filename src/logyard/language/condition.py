"""A filter of the query language as a condition of a step."""

from collections.abc import Callable

import polars as pl

from logyard.errors import BadConfig, BadQuery
from logyard.language.entry import parse_filter
from logyard.language.levels import canonical_levels
from logyard.language.view import View

__all__ = ["condition"]

Condition = Callable[[pl.DataFrame], pl.Series]


def condition(where: str, *, now: int = 0) -> Condition:
    """Frame to one boolean a row; compiled once. ``*`` and "" match everything. Raises ``BadConfig``."""
    if where in {"", "*"}:
        return lambda frame: pl.Series([True]).new_from_index(0, frame.height)
    try:
        node = canonical_levels(parse_filter(where, now=now))
    except BadQuery as error:
        raise BadConfig(str(error), path="where") from error
    return lambda frame: node.match(View.of_frame(frame))
