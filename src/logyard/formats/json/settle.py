"""A raw body looked at: lines that are JSON objects are read as such, every other line is its own message.

A block of a file comes as bytes that nobody has understood. Here it becomes ``json`` (all lines are objects), ``plain``
(none is) or ``mixed``. Nothing is refused: a line that begins with ``{`` and is no object that the engine can read
becomes an object whose message it is, so that in a mixed body the first byte of a line says which of the two it is.
"""

from typing import Final, NamedTuple

import msgspec

from logyard.formats.json.clean import clean_rows
from logyard.formats.json.line import DEFAULT_LIMITS, LineLimits, check_lines
from logyard.model.batch import Encoded
from logyard.model.reading import Kind, Reading

__all__ = ["Checked", "block", "checked", "settled"]

_OPEN: Final = b"{"
_ENCODE: Final = msgspec.json.Encoder().encode


def block(data: bytes, reading: Reading) -> Encoded | None:
    """The lines of ``data``: CRLF is a line's end, empty lines are none, bytes that are no UTF-8 become U+FFFD.

    None when no line is left. ``reading.kind`` stays as it is.
    """
    lines = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    lines = lines.strip(b"\n").removesuffix(b"\r")
    while b"\n\n" in lines:
        lines = lines.replace(b"\n\n", b"\n")
    if not lines:
        return None
    if not lines.isascii():
        lines = _repaired(lines)
    return Encoded(lines=lines, rows=lines.count(b"\n") + 1, reading=reading)


def settled(body: Encoded, limits: LineLimits = DEFAULT_LIMITS) -> Encoded:
    """A raw body as one of the kinds that can be read; any other as it is."""
    if body.reading.kind != "raw":
        return body
    first = body.lines[:1]
    if first == _OPEN and clean_rows(body.lines, limits) == body.rows:
        return _as(body, body.lines, "json")
    if first != _OPEN and b"\n{" not in body.lines:
        return _as(body, body.lines, "plain")
    lines = [_looked_at(line, limits) if line.startswith(_OPEN) else line for line in body.lines.split(b"\n")]
    kind: Kind = "json" if all(line.startswith(_OPEN) for line in lines) else "mixed"
    return _as(body, b"\n".join(lines), kind)


class Checked(NamedTuple):
    """Lines that should be JSON."""

    body: Encoded
    errors: int
    """Lines that are not, and say so."""


def checked(body: Encoded, limits: LineLimits = DEFAULT_LIMITS) -> Checked:
    """A raw body as ``json``; a line that is no object becomes the message of one, with the reason beside it."""
    if clean_rows(body.lines, limits) == body.rows:
        return Checked(_as(body, body.lines, "json"), 0)
    lines = body.lines.split(b"\n")
    found = check_lines(lines, limits=limits)
    good = iter(found.encoded.lines.split(b"\n") if found.encoded else ())
    reasons = {refusal.index: refusal.reason for refusal in found.rejected}
    kept = [_told(line, reasons[place]) if place in reasons else next(good) for place, line in enumerate(lines)]
    return Checked(_as(body, b"\n".join(kept), "json"), len(reasons))


def _told(line: bytes, reason: str) -> bytes:
    return _ENCODE({"message": line.decode(), "processing_error": f"is not in the format json: {reason}"})


def _looked_at(line: bytes, limits: LineLimits) -> bytes:
    """The object, or an object around what is none."""
    found = check_lines([line], limits=limits).encoded
    return found.lines if found is not None else _ENCODE({"message": line.decode()})


def _as(body: Encoded, lines: bytes, kind: Kind) -> Encoded:
    return Encoded(lines=lines, rows=body.rows, reading=msgspec.structs.replace(body.reading, kind=kind))


def _repaired(lines: bytes) -> bytes:
    try:
        lines.decode()
    except UnicodeDecodeError:
        return lines.decode(errors="replace").encode()
    return lines
