"""How the bytes of a file are written, and as UTF-8.

A byte order mark at the beginning says it; else the settings do; else it is UTF-8. Lines are cut before they are
decoded, so an encoding is one in which the byte (in UTF-16: the two bytes) of a newline is part of no other character:
that holds for UTF-8 and UTF-16, for Shift_JIS, EUC, GBK, GB18030, Big5, and for all of eight bits that contain ASCII.
"""

import codecs
from typing import Final, Literal

from logyard.errors import BadConfig

__all__ = ["InvalidBytes", "check_encoding", "mark_of", "named_by", "to_utf8", "width_of"]

InvalidBytes = Literal["replace", "latin-1"]

_MARKS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_WIDTHS: Final = {"utf-16-le": 2, "utf-16-be": -2}
_UTF8: Final = frozenset({"utf-8", "utf-8-sig", "ascii"})
_REFUSED: Final = frozenset({"utf-7", "hz"})
"""The bytes of a newline mean something else there."""


def check_encoding(name: str) -> str:
    """Its one name, "" for UTF-8. Raises ``BadConfig`` for what is none, or could not be cut into lines."""
    if not name:
        return ""
    try:
        known = codecs.lookup(name)
        fits = "\n".encode(known.name) == b"\n" and b"a\n".decode(known.name) == "a\n"
    except (LookupError, TypeError, ValueError) as error:
        raise BadConfig(f"there is no encoding of text named {name!r}", path="encoding") from error
    if known.name == "utf-16":
        return "utf-16-le"  # unless a mark says otherwise
    if known.name in _WIDTHS:
        return known.name
    if known.name in _UTF8:
        return ""
    if not fits or known.name in _REFUSED:
        raise BadConfig(f"files in {name!r} cannot be cut into lines before they are decoded", path="encoding")
    return known.name


def named_by(begin: bytes) -> str:
    """The encoding that the byte order mark of UTF-16 names; "" where there is none."""
    return _MARKS.get(begin[:2], "")


def mark_of(begin: bytes) -> int:
    """Length of the byte order mark."""
    if begin[:2] in _MARKS:
        return 2
    return len(_UTF8_MARK) if begin.startswith(_UTF8_MARK) else 0


def width_of(encoding: str) -> int:
    """Bytes of a newline; negative where the most significant comes first."""
    return _WIDTHS.get(encoding, 1)


def to_utf8(data: bytes, encoding: str, invalid: InvalidBytes) -> bytes:
    """``data``, whole lines, with as many lines. Of UTF-8 what is invalid may stay as it is: whoever reads it replaces
    it.
    """
    if not encoding:
        return data if invalid == "replace" or _is_utf8(data) else _with_latin1(data, "utf-8")
    text = data.decode(encoding, errors="replace") if invalid == "replace" else _text_with_latin1(data, encoding)
    newlines = data.count(b"\n") if abs(width_of(encoding)) == 1 else text.count("\n")
    if text.count("\n") != newlines:
        # A character that was cut short took a line's end along.
        text = "\n".join(line.decode(encoding, errors="replace") for line in data.split(b"\n"))
    return text.encode(errors="replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_latin1(data: bytes, encoding: str) -> bytes:
    return _text_with_latin1(data, encoding).encode()


def _text_with_latin1(data: bytes, encoding: str) -> str:
    codecs.register_error(_HANDLER, _as_latin1)
    return data.decode(encoding, errors=_HANDLER)


_HANDLER: Final = "logyard-latin-1"


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    """Of bytes that mean nothing, the characters that ISO 8859-1 has for them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end
