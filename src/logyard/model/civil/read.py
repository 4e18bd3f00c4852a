"""Any spelling of a time to nanoseconds since the Unix epoch.

Civil times by their layouts (``layouts.py``), Unix times by their size (``model/timestamp.py``), also in .NET's
wrapping ``/Date(1700000000000)/`` and with a leading ``@``. A column is looked at by its distinct texts: the times of a
busy log repeat. Nothing here is done row by row.
"""

import re
from typing import Final

import polars as pl

from logyard.model import timestamp
from logyard.model.civil.customs import DEFAULT_CUSTOMS, Customs
from logyard.model.civil.instant import PARTS, instants
from logyard.model.civil.layouts import LAYOUTS

__all__ = ["instant", "read"]

_COMPILED: Final = [re.compile(layout) for layout in LAYOUTS]
_WRAPPED: Final = r"^(?:/Date\(|@)([0-9.]+)(?:[+-][0-9]{4})?(?:\)/)?$"
_UNIX: Final = r"^[0-9]{5,19}(?:\.[0-9]+)?$"
"""Shorter numbers are years, or nothing; those of 8 and of 14 digits may be dates without marks."""
_MARKLESS: Final = r"^(?:19[7-9][0-9]|20[0-9]{2})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{6})?$"
_PYTHON: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-5][0-9],[0-9]{3}$"
_DOTTED: Final = r"^[^ ]*[0-9]\.[0-9]+\.[0-9]"


def instant(text: str, customs: Customs = DEFAULT_CUSTOMS) -> int | None:
    """``read`` for one text."""
    value: int | None = read(pl.Series([text], dtype=pl.String), customs)[0]
    return value


def read(texts: pl.Series, customs: Customs = DEFAULT_CUSTOMS) -> pl.Series:
    """Int64 nanoseconds, null where a text (null, too) is no time in 1970-2261. Raises ``BadConfig`` for a zone that is
    none.
    """
    kinds = texts.drop_nulls().unique()
    values = _usual(kinds) if not customs.zone else None
    if values is None:
        values = _read(kinds.str.strip_chars(), customs)
    if kinds.len() == texts.len() and not texts.has_nulls() and kinds.len() == 1:
        return values
    looked_up = pl.DataFrame({"text": kinds, "value": values})
    column = pl.DataFrame({"text": texts.cast(pl.String)})
    return column.join(looked_up, on="text", how="left", maintain_order="left")["value"]


def _usual(texts: pl.Series) -> pl.Series | None:
    """The layout of Python's ``logging``, at a quarter of the cost of the general way; None unless all are in it."""
    if texts.is_empty() or not texts.str.contains(_PYTHON).all():
        return None
    times = texts.str.to_datetime("%Y-%m-%d %H:%M:%S,%3f", time_unit="ns", strict=False).cast(pl.Int64)
    return None if times.has_nulls() or times.min() < 0 else times  # type: ignore[operator] # not empty, not null


def _read(texts: pl.Series, customs: Customs) -> pl.Series:
    bare = texts.str.replace(_WRAPPED, "$1")
    unix = bare.str.contains(_UNIX) & ~texts.str.contains(_MARKLESS)
    values = (
        timestamp.parse_series(bare.set(~unix, None)) if unix.any() else pl.Series([None] * texts.len(), dtype=pl.Int64)
    )
    untried = list(range(len(LAYOUTS)))
    while untried:
        pending = values.is_null()
        first = pending.arg_true()
        if first.is_empty():
            break
        values = _by_layout(texts, values, layout=_next(texts[first[0]], untried), customs=customs)
    return values


def _next(text: str, untried: list[int]) -> int:
    """The layout that fits ``text``, else any other: what remains is looked at by all of them."""
    found = next((layout for layout in untried if _COMPILED[layout].fullmatch(text)), untried[0])
    untried.remove(found)
    return found


def _by_layout(texts: pl.Series, values: pl.Series, *, layout: int, customs: Customs) -> pl.Series:
    """``values`` with what this layout says to those that are null."""
    regex = LAYOUTS[layout]
    rows = (values.is_null() & texts.str.contains(regex)).arg_true()
    if rows.is_empty():
        return values
    chosen = texts.gather(rows)
    parts = pl.DataFrame({"text": chosen}).select(pl.col("text").str.extract_groups(regex)).unnest("text")
    missing = [pl.lit(None, dtype=pl.String).alias(name) for name in PARTS if name not in parts.columns]
    parts = parts.with_columns(*missing, chosen.str.contains(_DOTTED).alias("dotted"))
    return values.scatter(rows, instants(parts, customs))
