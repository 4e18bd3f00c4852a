"""Whole numbers behind words: ``limit 10``, ``offset 1_000``."""

from logyard.language.numbers import parse_integer
from logyard.language.parser import Parser

__all__ = ["LARGEST", "read_count"]

LARGEST = (1 << 63) - 1
"""The most rows that the engine counts."""


def read_count(parser: Parser, what: str) -> int:
    """A whole number from 0, in any spelling of the language."""
    at = parser.token
    count = parse_integer(parser.word())
    if count is None:
        raise parser.fail(f"{what} takes a whole number", at=at)
    return min(count, LARGEST)
