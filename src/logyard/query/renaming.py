"""Pairs of names, ``a as b, c* as d*``: what the pipes ``copy`` and ``rename`` have in common."""

from collections.abc import Iterable

from logyard.language.parser import Parser
from logyard.query.wildcards import is_wildcard, matches, name_text, read_wildcard

__all__ = ["Pair", "pairs_text", "read_pairs", "targets"]

Pair = tuple[str, str]
"""From, to; both names, or ``a*`` to ``b*`` (or to the plain name ``b``)."""


def read_pairs(parser: Parser) -> tuple[Pair, ...]:
    """At least one pair; ``as`` may be left out."""
    pairs = [_pair(parser)]
    while parser.take(","):
        pairs.append(_pair(parser))
    return tuple(pairs)


def pairs_text(pairs: Iterable[Pair]) -> str:
    """``a as b, c* as d*``."""
    return ", ".join(f"{name_text(source)} as {name_text(target)}" for source, target in pairs)


def targets(pair: Pair, names: Iterable[str]) -> list[Pair]:
    """What a pair means for the fields there are; a name without ``*`` means itself, there or not."""
    source, target = pair
    if not is_wildcard(source):
        return [pair]
    found = [name for name in names if matches(source, name)]
    if not is_wildcard(target):
        return [(name, target) for name in found]
    return [(name, target[:-1] + name[len(source) - 1 :]) for name in found]


def _pair(parser: Parser) -> Pair:
    source = read_wildcard(parser)
    parser.take("as")
    return source, read_wildcard(parser)
