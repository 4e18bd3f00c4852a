"""Which fields there are and what is in them, of rows whose fields nobody knows by name.

Each function gives a sub-select over a stage that still stands on stored records: an array of (name, value) pairs a row.
This is the one place that a roll-up table would replace.
"""

from dataclasses import replace
from typing import Final

from logyard.model.schema import KEYED_COLUMNS
from logyard.query.expressions import literal
from logyard.query.names import ALIASES, GIVEN, NATIVE_COLUMNS
from logyard.query.stage import Stage

__all__ = ["SKIPPED", "names_source", "values_source"]

SKIPPED: Final = frozenset(
    {"id", "timestamp", "observed", "severity", "level_text", "message", "stream", "tags", "_stream_id"}
)
"""Columns of ours that are different in nearly every record, or say what another says: no facets."""

_STORED: Final = "CAST(attributes, 'Array(Tuple(String, String))')"
_FILLED: Final = f"arrayFilter(p -> p.2 NOT IN ('', '\"\"', 'null'), {_STORED})"
_TEXT: Final = "if(startsWith(p.2, '\"'), JSONExtractString(p.2), p.2)"


def names_source(stage: Stage) -> str | None:
    """Sub-select of ``name`` and ``hits``: every field, and how many rows have it. None when pipes changed the fields."""
    if not _untouched(stage):
        return None
    below = _narrow(stage)
    attributes = (
        f"SELECT name, count() AS hits FROM (SELECT arrayMap(p -> p.1, {_FILLED}) AS names FROM {below}) "
        "ARRAY JOIN names AS name GROUP BY name"
    )
    columns = [name for name in _columns(stage) if name not in {"_stream_id"}]
    counts = ", ".join(f"countIf({stage.text(name)} != '')" for name in columns)
    keys = ", ".join(_key(stage, name) for name in columns)
    fixed = (
        f"SELECT pair.1 AS name, sum(pair.2) AS hits FROM (SELECT origin, [{counts}] AS counts FROM {below} GROUP BY origin) "
        f"ARRAY JOIN arrayZip([{keys}], counts) AS pair WHERE pair.2 > 0 AND pair.1 != '' GROUP BY name"
    )
    return f"(SELECT name, sum(hits) AS hits FROM ({fixed} UNION ALL {attributes}) GROUP BY name)"


def values_source(stage: Stage, *, most: int | None) -> str | None:
    """Sub-select of ``name``, ``value`` and ``hits`` over at most ``most`` rows. None when pipes changed the fields."""
    if not _untouched(stage):
        return None
    below = _narrow(stage, most)
    native = "message" in _columns(stage)
    columns = [name for name in _columns(stage) if not (native and name in SKIPPED) and name != "_stream_id"]
    fixed = ", ".join(f"({_key(stage, name)}, toString({stage.text(name)}))" for name in columns)
    attributes = f"arrayMap(p -> (p.1, {_TEXT}), {_FILLED})"
    return (
        "(SELECT pair.1 AS name, pair.2 AS value, count() AS hits "
        f"FROM (SELECT arrayConcat([{fixed}], {attributes}) AS pairs FROM {below}) "
        "ARRAY JOIN pairs AS pair WHERE value != '' AND name != '' GROUP BY name, value)"
    )


def _untouched(stage: Stage) -> bool:
    return stage.open and not (stage.cells or stage.hidden or stage.only is not None)


def _narrow(stage: Stage, most: int | None = None) -> str:
    """The rows, with the columns that are looked at."""
    limit = most if stage.limit is None else stage.limit
    return f"({replace(stage, limit=limit).select('*')})"


def _columns(stage: Stage) -> tuple[str, ...]:
    return () if stage.names is None else stage.names.columns()


def _key(stage: Stage, name: str) -> str:
    """The name under which a column's value shows: in the Victoria dialect, the sender's own key."""
    if name in NATIVE_COLUMNS and "message" in _columns(stage):
        return literal(name)
    if name in ALIASES or name not in GIVEN or name not in KEYED_COLUMNS:
        return literal(name)
    mark = literal(f",{name}=")
    pattern = literal(f",{name}=([^,]*),")
    return f"if(position(origin, {mark}) > 0, extract(origin, {pattern}), {literal(name)})"
