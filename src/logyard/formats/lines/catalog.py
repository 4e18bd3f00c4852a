"""All line formats by name: the components of the family that read lines, and the pattern files."""

from collections.abc import Mapping
from functools import cache
from typing import cast

import msgspec

from logyard import registry
from logyard.errors import BadConfig
from logyard.formats.lines.pattern import load_pattern, pattern_names
from logyard.ports import LineFormat

__all__ = ["automatic", "line_format", "line_format_names"]


@cache
def line_format_names() -> tuple[str, ...]:
    """Every name that ``line_format`` knows, sorted."""
    return tuple(sorted({*_components(), *pattern_names()}))


def line_format(name: str) -> LineFormat:
    """A format for one source (it may keep what it learns, as a header). Raises ``BadConfig`` for an unknown name."""
    if name in _components():
        return cast("LineFormat", _made(name))
    if name not in pattern_names():
        raise BadConfig(
            f"there is no format {name!r}; there are: auto, {', '.join(line_format_names())}", path="format"
        )
    return _pattern(name)


def automatic() -> Mapping[str, LineFormat]:
    """Those among which ``auto`` chooses, for one source; highest rank first, of equal ranks the first by name."""
    return {name: line_format(name) for name in _by_rank()}


@cache
def _by_rank() -> tuple[str, ...]:
    return tuple(sorted(line_format_names(), key=lambda name: (-line_format(name).rank, name)))


@cache
def _components() -> tuple[str, ...]:
    names = (name for name in registry.names("formats") if name != "auto")
    return tuple(name for name in names if isinstance(getattr(_made(name), "rank", None), int))


def _made(name: str) -> object:
    component = _loaded(name)
    return component.make(msgspec.convert({}, component.config))


@cache
def _loaded(name: str) -> registry.Component:
    """Looking through the entry points for each source would cost more than its lines."""
    return registry.load("formats", name)


_pattern = cache(load_pattern)
"""A pattern keeps nothing of a source: all share one."""
