"""Which fields there are and what is in them, of rows whose fields nobody knows by name.

Each function gives a sub-select over a stage that still stands on stored records; ``rollup.py`` knows a shorter way.
"""

from dataclasses import replace
from typing import Final

from logyard.query.expressions import literal
from logyard.query.names import GIVEN, NATIVE_COLUMNS
from logyard.query.stage import Stage

__all__ = ["SKIPPED", "names_source", "total_sql", "values_source"]

SKIPPED: Final = frozenset(
    {"id", "timestamp", "observed", "severity", "level_text", "message", "stream", "tags", "_stream_id"}
)
"""Columns of ours that are different in nearly every record, or say what another says: no facets."""

_STORED: Final = "CAST(attributes, 'Array(Tuple(String, String))')"
_FILLED: Final = f"arrayFilter(p -> p.2 NOT IN ('', '\"\"', 'null'), {_STORED})"
_TEXT: Final = "if(startsWith(p.2, '\"'), JSONExtractString(p.2), p.2)"
_UNNAMED: Final = frozenset({"observed", "severity", "level_text", "stream", "_stream_id"})
"""Columns that a row does not show without being asked."""
_ROLLED: Final = ("level", "service", "host", "source")


def total_sql(stage: Stage) -> str:
    """How many rows there are, as a scalar."""
    return f"(SELECT count() FROM ({replace(stage, order=()).select('1')}))"


def names_source(stage: Stage, rolled: str | None = None, *, most: int | None = None) -> str | None:
    """Sub-select of ``name`` and ``hits``: every field, and how many rows have it; of attributes, in at most
    ``most`` rows.

    None when pipes changed the fields. With ``rolled``, attributes are those of the roll-up.
    """
    if not _untouched(stage):
        return None
    if rolled is None:
        attributes = (
            "SELECT name, count() AS hits "
            f"FROM (SELECT arrayMap(p -> p.1, {_FILLED}) AS names FROM {_narrow(stage, most)}) "
            "ARRAY JOIN names AS name GROUP BY name"
        )
    else:
        known = ", ".join(map(literal, _ROLLED))
        attributes = f"SELECT name, sum(hits) AS hits FROM {rolled} WHERE name NOT IN ({known}) GROUP BY name"
    columns = [name for name in _columns(stage) if name not in _UNNAMED]
    counts = ", ".join(_count(stage, name) for name in columns)
    keys = ", ".join(_key(stage, name) for name in columns)
    fixed = (
        f"SELECT pair.1 AS name, sum(pair.2) AS hits "
        f"FROM (SELECT origin, [{counts}] AS counts FROM {_narrow(stage)} GROUP BY origin) "
        f"ARRAY JOIN arrayZip([{keys}], counts) AS pair WHERE pair.2 > 0 AND pair.1 != '' GROUP BY name"
    )
    return f"(SELECT name, sum(hits) AS hits FROM ({fixed} UNION ALL {attributes}) GROUP BY name)"


def values_source(stage: Stage, *, most: int | None) -> str | None:
    """Sub-select of ``name``, ``value`` and ``hits`` over at most ``most`` rows. None when pipes changed the fields."""
    if not _untouched(stage):
        return None
    below = _narrow(stage, most)
    native = _is_native(stage)
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
    kept = stage if limit is not None else replace(stage, order=())
    return f"({replace(kept, limit=limit).select('*')})"


def _columns(stage: Stage) -> tuple[str, ...]:
    return () if stage.names is None else stage.names.columns()


def _is_native(stage: Stage) -> bool:
    return "message" in _columns(stage)


def _count(stage: Stage, name: str) -> str:
    """How many rows have a value in a column."""
    return "count()" if stage.cell(name).instant or name == "id" else f"countIf({stage.text(name)} != '')"


def _key(stage: Stage, name: str) -> str:
    """The name under which a column's value shows: in the Victoria dialect, the sender's own key."""
    if name not in GIVEN or (_is_native(stage) and name in NATIVE_COLUMNS):
        return literal(name)
    mark = literal(f",{name}=")
    pattern = literal(f",{name}=([^,]*),")
    return f"if(position(origin, {mark}) > 0, extract(origin, {pattern}), {literal(name)})"
