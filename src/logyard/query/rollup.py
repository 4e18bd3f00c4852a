"""The roll-up that the store keeps (``store/migrations/0003_facets.sql``): by hour, the frequent values of each field.

It answers for all records of a time at once what ``discovery.py`` finds by reading them.
"""

from typing import Final

from logyard.language.ast import All
from logyard.model.dialect import Dialect
from logyard.query.expressions import literal
from logyard.query.parse import Query
from logyard.query.plan import Scope

__all__ = ["rolled_up"]

_HOUR: Final = 3_600_000_000_000
_KEPT: Final = 50
"""Values of a field that each insert counts."""
_WORTH: Final = 6 * _HOUR
"""Shorter times are not worth an answer that is cut at full hours."""


def rolled_up(query: Query, scope: Scope, *, values: bool) -> str | None:
    """Sub-select of ``name``, ``value`` and ``hits`` from the roll-up, which counts by full hours.

    With ``values``, fields are left out of whose many values it knows only some.

    None where it cannot answer: it knows nothing of filters, of other dialects, and of short times.
    """
    if scope.dialect is not Dialect.NATIVE or query.pipes or not isinstance(query.filter, All):
        return None
    if scope.start is not None and scope.end is not None and scope.end - scope.start < _WORTH:
        return None
    where = [f"tenant = {literal(scope.tenant)}"]
    if scope.start is not None:
        where.append(f"hour >= toDateTime({scope.start // _HOUR * 3600}, 'UTC')")
    if scope.end is not None:
        where.append(f"hour < toDateTime({-(-scope.end // _HOUR) * 3600}, 'UTC')")
    columns = "field AS name, value, sum(hits) AS hits"
    found = f"SELECT {columns} FROM facets WHERE {' AND '.join(where)} GROUP BY name, value"
    if not values:
        return f"({found})"
    sums = "count() OVER n AS different, sum(hits) OVER n AS covered"
    counted = f"SELECT *, {sums} FROM ({found}) WINDOW n AS (PARTITION BY name)"
    partly = f"different >= {_KEPT} AND covered * 2 < most"
    compared = f"SELECT *, max(covered) OVER () AS most FROM ({counted})"
    return f"(SELECT name, value, hits FROM ({compared}) WHERE NOT ({partly}))"
