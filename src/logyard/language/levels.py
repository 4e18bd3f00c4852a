"""In the native dialect a level is a level, however it is spelt: ``level:warn``, ``level:=WARNING``, ``level:>=error``.

Rewrites the filters on ``level`` whose words are levels; everything else on the field (prefixes, regular expressions, words
that are no level) stays as it is and sees the canonical words. Not for the VictoriaLogs dialect, where ``level`` is what the
sender wrote.
"""

from typing import Final

from logyard.language.ast import Filter, rewritten
from logyard.language.filters.any_case_phrase import AnyCasePhrase
from logyard.language.filters.comparison import Comparison
from logyard.language.filters.exact import Exact
from logyard.language.filters.in_ import In
from logyard.language.filters.phrase import Phrase
from logyard.model import severity

__all__ = ["native_levels"]

_LEVEL: Final = "level"
_SEVERITY: Final = "severity"


def native_levels(node: Filter) -> Filter:
    """The same filter with every level in its canonical spelling."""
    return rewritten(node, _native)


def _native(node: Filter) -> Filter:
    if not isinstance(node, Phrase | AnyCasePhrase | Exact | Comparison | In) or node.field != _LEVEL:
        return node
    if isinstance(node, Comparison):
        return _by_severity(node)
    if isinstance(node, In):
        return _spelt(node)
    name = severity.parse(node.text).name
    return Exact(_LEVEL, name) if name else node


def _spelt(node: In) -> In:
    if node.subquery is not None:
        return node
    return node.resolved(severity.parse(value).name or value for value in node.known_values())


def _by_severity(node: Comparison) -> Comparison:
    """Levels have an order: it is that of their severity."""
    number = severity.LEVELS.get(severity.parse(node.value).name)
    if number is None:
        return node
    # WARNING is 13 to 16: above it begins at 17, at most it ends at 16.
    last = number + 3
    bound = last if node.operator in {">", "<="} else number
    return Comparison(_SEVERITY, node.operator, str(bound))
