r"""Regular expressions: what users write, in RE2's syntax (Go's, and the engine's), put into that of Polars.

The two differ in little: RE2's ``\d \w \s \b`` know ASCII only, ``[``, ``&`` and ``~`` mean nothing inside
its brackets, and its ``\Q...\E`` quotes. Both run in time linear in the text.
"""

import re
from typing import Final

import polars as pl

from logyard.errors import BadQuery
from logyard.language.words import escape

__all__ = ["check_pattern", "contains", "rust_pattern"]

_REASON: Final = re.compile(r"^error: (.+)$", re.MULTILINE)
_NOTHING: Final = pl.Series([""])
_PART: Final = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)|(?P<bracket>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])|\\.", re.DOTALL
)
_INSIDE: Final = re.compile(r"\[:\^?\w+:\]|\\.|[\[&~]", re.DOTALL)
_ASCII: Final = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_BOUNDARIES: Final = {r"\b": r"(?-u:\b)", r"\B": r"(?-u:\B)"}


def contains(texts: pl.Series, pattern: str) -> pl.Series:
    """Whether ``pattern``, in Rust's syntax, is found in each text. ``BadQuery`` where it is too large."""
    try:
        return texts.str.contains(pattern)
    except pl.exceptions.ComputeError as problem:
        found = _REASON.search(str(problem))
        raise BadQuery(f"bad regular expression: {found[1] if found else 'too large'}") from problem


def check_pattern(pattern: str) -> None:
    """``BadQuery`` with the reason where ``pattern``, in RE2's syntax, is no regular expression."""
    contains(_NOTHING, rust_pattern(pattern))


def rust_pattern(pattern: str) -> str:
    """``pattern``, in RE2's syntax, as one that finds the same in Rust's."""
    return _PART.sub(_translated, pattern)


def _translated(part: re.Match[str]) -> str:
    if part["quoted"] is not None:
        return escape(part["quoted"])
    if part["bracket"]:
        return "[" + _INSIDE.sub(lambda inner: _inside(inner[0]), part["bracket"][1:])
    letter = part[0][1]
    found = _ASCII.get(letter.lower())
    if found is None:
        return _BOUNDARIES.get(part[0], part[0])
    return f"[{'^' if letter.isupper() else ''}{found}]"


def _inside(text: str) -> str:
    """What means something else inside brackets in Rust."""
    if text.startswith("[:"):
        return text
    found = _ASCII.get(text[-1].lower()) if text.startswith("\\") else None
    if found is None:
        return text if text.startswith("\\") else f"\\{text}"
    return f"[^{found}]" if text[-1].isupper() else found
