"""Words: what a phrase is, and where it may begin and end.

A word is a run of Unicode letters, decimal digits and ``_``. A phrase is found where it is not part of a
longer word: ``foo`` is in ``a foo.`` but not in ``foobar``. The patterns are read alike by Polars (Rust) and
by RE2.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

__all__ = ["any_phrase_pattern", "escape", "phrase_pattern", "prefix_pattern", "sequence_pattern"]

_OUTSIDE: Final = r"[^\p{L}\p{Nd}_]"
_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")


def phrase_pattern(phrase: str) -> str:
    """A regular expression that finds ``phrase`` (not empty) as a phrase."""
    return _begin(phrase) + escape(phrase) + _end(phrase)


def any_phrase_pattern(phrases: Iterable[str]) -> str:
    """A regular expression that finds any of the phrases (none empty, at least one)."""
    edges: dict[tuple[str, str], list[str]] = {}
    for phrase in phrases:
        edges.setdefault((_begin(phrase), _end(phrase)), []).append(escape(phrase))
    return "|".join(f"{begin}(?:{'|'.join(each)}){end}" for (begin, end), each in edges.items())


def prefix_pattern(prefix: str) -> str:
    """A regular expression that finds words or phrases that begin with ``prefix`` (not empty)."""
    return _begin(prefix) + escape(prefix)


def sequence_pattern(phrases: Sequence[str]) -> str:
    """A regular expression that finds the phrases (none empty, at least one) one after the other."""
    first, last = phrases[0], phrases[-1]
    between = (_between(left, right) + escape(right) for left, right in pairwise(phrases))
    return "(?s)" + _begin(first) + escape(first) + "".join(between) + _end(last)


def escape(text: str) -> str:
    """``text`` as a regular expression that matches just it, in Rust's syntax and RE2's."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _inside(character: str) -> bool:
    """Whether a word may hold it. ``isalpha`` are the Unicode letters, ``isdecimal`` the decimal digits."""
    return character == "_" or character.isalpha() or character.isdecimal()


def _begin(phrase: str) -> str:
    return f"(?:^|{_OUTSIDE})" if _inside(phrase[0]) else ""


def _end(phrase: str) -> str:
    return f"(?:$|{_OUTSIDE})" if _inside(phrase[-1]) else ""


def _between(left: str, right: str) -> str:
    """What may stand between two phrases: next to an end that is inside a word, something outside."""
    after, before = _inside(left[-1]), _inside(right[0])
    if after and before:
        return f"{_OUTSIDE}(?:.*{_OUTSIDE})?"
    if after:
        return f"(?:{_OUTSIDE}.*)?"
    return f"(?:.*{_OUTSIDE})?" if before else ".*"
