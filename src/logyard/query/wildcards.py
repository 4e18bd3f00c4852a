"""Names of fields that may end in ``*``: ``http.*`` stands for every field that begins with ``http.``."""

from collections.abc import Iterable

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed

__all__ = ["is_wildcard", "matches", "name_text", "names_text", "read_names", "read_wildcard", "select"]


def is_wildcard(pattern: str) -> bool:
    """Whether it stands for several fields."""
    return pattern.endswith("*")


def matches(pattern: str, name: str) -> bool:
    """Whether the pattern stands for the field."""
    return name.startswith(pattern[:-1]) if is_wildcard(pattern) else name == pattern


def select(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """The names that fit one of the patterns, in the patterns' order, each once."""
    listed = list(names)
    found: dict[str, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(name for name in listed if matches(pattern, name)))
    return list(found)


def read_wildcard(parser: Parser) -> str:
    """``name``, ``name*`` or ``*``; the message is ``_msg``."""
    if parser.take("*"):
        return "*"
    name = parser.name() or "_msg"
    return name + "*" if parser.star() else name


def read_names(parser: Parser) -> tuple[str, ...]:
    """``a, b*, c``: at least one; a comma is followed by a name."""
    names = [read_wildcard(parser)]
    while parser.take(","):
        names.append(read_wildcard(parser))
    return tuple(names)


def name_text(pattern: str) -> str:
    """A name or pattern as it is printed."""
    if pattern == "*":
        return pattern
    return f"{quote_if_needed(pattern[:-1])}*" if is_wildcard(pattern) else quote_if_needed(pattern)


def names_text(patterns: Iterable[str]) -> str:
    """``a, b*, c``."""
    return ", ".join(map(name_text, patterns))
