"""Query text into tokens. Never fails: a character that starts no token is a token of its own.

Three kinds of tokens: words (Unicode letters, digits, ``_`` and ``.``), quoted strings (``"..."`` and
``'...'`` with Go's escapes, backquotes without any), and symbols (one character, or one of ``=~ != !~``). A
quote that is never closed, or holds an unknown escape, is a symbol: the parser says so when it gets there.
``#`` starts a comment up to the line's end.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = ["Kind", "Token", "tokenize"]


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token and its place: ``query[start:end]`` is ``raw``."""

    kind: Kind
    text: str
    """What it says: unquoted where it was quoted."""
    raw: str
    start: int
    end: int
    spaced: bool
    """White space or a comment (or nothing at all) is in front of it."""

    @property
    def keyword(self) -> str:
        """The lower-case text of an unquoted token; "" for quoted ones and at the end."""
        return "" if self.kind is Kind.QUOTED else self.text.lower()


_SPACE: Final = re.compile(r"(?:\s+|#[^\n]*(?:\n|\Z))+")
_WORD: Final = re.compile(r"[\w.]+")
_SYMBOL: Final = re.compile(r"=~|!=|!~|.", re.DOTALL)
_BACKQUOTED: Final = re.compile(r"`([^`]*)`")
_ESCAPE: Final = r"\\(?:[abfnrtv\\%s]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_QUOTED: Final = {
    '"': re.compile(r'"((?:[^"\\\n]|' + _ESCAPE % '"' + r')*)"'),
    "'": re.compile(r"'((?:[^'\\]|" + _ESCAPE % "'" + r")*)'"),
    "`": _BACKQUOTED,
}
_ONE_ESCAPE: Final = re.compile(_ESCAPE % "'\"")
_BYTES: Final = re.compile(rb"\\(?:x([0-9a-f]{2})|([0-7]{3}))")
_SIMPLE: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def tokenize(query: str) -> tuple[Token, ...]:
    """All tokens of ``query``, and at last one of kind END."""
    tokens: list[Token] = []
    position = 0
    spaced = True
    while True:
        if space := _SPACE.match(query, position):
            position, spaced = space.end(), True
        if position >= len(query):
            tokens.append(Token(Kind.END, "", "", position, position, spaced))
            return tuple(tokens)
        token = _token(query, position, spaced=spaced)
        tokens.append(token)
        position, spaced = token.end, False


def _token(query: str, position: int, *, spaced: bool) -> Token:
    quoted = _quoted(query, position, spaced=spaced)
    if quoted is not None:
        return quoted
    if word := _WORD.match(query, position):
        return Token(Kind.WORD, word[0], word[0], position, word.end(), spaced)
    symbol = _SYMBOL.match(query, position)
    text = query[position] if symbol is None else symbol[0]
    return Token(Kind.SYMBOL, text, text, position, position + len(text), spaced)


def _quoted(query: str, position: int, *, spaced: bool) -> Token | None:
    mark = query[position]
    pattern = _QUOTED.get(mark)
    found = pattern.match(query, position) if pattern is not None else None
    if found is None:
        return None
    try:
        text = found[1] if mark == "`" else _unescape(found[1])
        text.encode()
    except (OverflowError, ValueError):
        return None
    return Token(Kind.QUOTED, text, found[0], position, found.end(), spaced)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out = bytearray()
    last = 0
    for found in _ONE_ESCAPE.finditer(text):
        out += text[last : found.start()].encode()
        out += _escaped(found[0][1:])
        last = found.end()
    out += text[last:].encode()
    return out.decode(errors="replace")


def _escaped(code: str) -> bytes:
    """One escape without its backslash. ``ValueError`` for a rune or byte that does not exist."""
    if code[0] in "uU":
        return chr(int(code[1:], 16)).encode()
    if code[0] == "x":
        return bytes([int(code[1:], 16)])
    if code[0] in "01234567":
        return bytes([int(code, 8)])
    return _SIMPLE.get(code, code).encode()
