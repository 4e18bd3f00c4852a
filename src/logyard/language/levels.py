"""``level:warn``, ``level:WARNING`` and ``level:>=warning`` mean the canonical level, however a sender spelt
it.

For the native dialect only. Handles words, phrases, exact values, lists and comparisons of the field ``level``;
a regular expression or a value that is no level's name is left as it is, and so is everything about other
fields.
"""

import operator
from collections.abc import Callable
from typing import Final

from logyard.language.ast import Filter, rewritten
from logyard.language.filters.any_case_phrase import AnyCasePhrase
from logyard.language.filters.any_case_prefix import AnyCasePrefix
from logyard.language.filters.comparison import Comparison
from logyard.language.filters.contains_any import ContainsAny
from logyard.language.filters.exact import Exact
from logyard.language.filters.in_ import In
from logyard.language.filters.phrase import Phrase
from logyard.language.filters.prefix import Prefix
from logyard.model.severity import LEVELS, parse

__all__ = ["canonical_levels"]

_FIELD: Final = "level"
_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def canonical_levels(filter_: Filter) -> Filter:
    """The filter, with canonical levels."""
    return rewritten(filter_, _changed)


def _changed(filter_: Filter) -> Filter:
    match filter_:
        case (
            Phrase(field="level", text=text) | Exact(field="level", text=text) | AnyCasePhrase(field="level", text=text)
        ):
            name = parse(text).name
            return Exact(_FIELD, name) if name else filter_
        case Prefix(field="level", text=text):
            return AnyCasePrefix(_FIELD, text)
        case In(field="level", subquery=None) | ContainsAny(field="level", subquery=None):
            return filter_.resolved(dict.fromkeys(parse(value).name or value for value in filter_.values))
        case Comparison(field="level"):
            return _compared(filter_)
        case _:
            return filter_


def _compared(filter_: Comparison) -> Filter:
    """By rank among the levels; a record without a level is on neither side."""
    wanted = parse(filter_.value)
    if not wanted.name:
        return filter_
    compare, bound = _COMPARE[filter_.operator], LEVELS[wanted.name]
    return In(_FIELD, tuple(name for name, severity in LEVELS.items() if compare(severity, bound)))
