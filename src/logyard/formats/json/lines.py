"""JSON lines (NDJSON): one object a line. The format of the fast path: bytes in, the same bytes out, looked
at once.

``validate`` makes an ``Encoded`` of a body without making an object of any record: a clean body is taken as a
whole, anything unusual sends it through ``json_line``, line by line, where bad lines are refused by index and
good ones kept. ``items`` does the same for a body that is an object or an array. ``frame`` and ``record`` are
the two ways on from there: fields for those who look into a record, and the record as its sender wrote it.

Repeated keys are accepted: the engine keeps the first, a decoder the last.
"""

from collections.abc import Iterator
from typing import Final

from logyard.formats.json.body import items
from logyard.formats.json.clean import clean_rows
from logyard.formats.json.frame import frame
from logyard.formats.json.line import (
    DEFAULT_LIMITS,
    LineLimits,
    Refusal,
    Validated,
    check_lines,
)
from logyard.formats.json.record import record, records
from logyard.model import origin
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading

__all__ = [
    "DEFAULT_LIMITS",
    "LineLimits",
    "Refusal",
    "Validated",
    "frame",
    "items",
    "record",
    "records",
    "validate",
]

_PIECE: Final = 1 << 17
"""Bytes that are looked at line by line, at least, on account of one line in them."""


def validate(payload: bytes, reading: Reading = DEFAULT_READING, limits: LineLimits = DEFAULT_LIMITS) -> Validated:
    """The good lines of ``payload``, refusals for the others, by index among the lines that are not blank.

    Every line of the result is a JSON object that our decoder and the engine can read, in valid UTF-8. Raises
    ``BadPayload`` only for a ``reading`` that cannot be used.
    """
    origin.check(reading)
    lines = payload.removesuffix(b"\n")
    rows = clean_rows(lines, limits)
    if rows:
        return Validated(encoded=Encoded(lines=lines, rows=rows, reading=reading), kept=range(rows))
    return _piecewise(payload.replace(b"\r\n", b"\n"), reading, limits)


def _piecewise(payload: bytes, reading: Reading, limits: LineLimits) -> Validated:
    """Look closely only at those pieces of the body that are not clean."""
    good: list[bytes] = []
    kept: list[int] = []
    rejected: list[Refusal] = []
    repaired = seen = 0
    for piece in _pieces(payload):
        rows = clean_rows(piece, limits)
        if rows:
            good.append(piece)
            kept += range(seen, seen + rows)
            seen += rows
            continue
        part = check_lines(piece.split(b"\n"), reading, limits)
        good += [part.encoded.lines] if part.encoded else []
        kept += [seen + index for index in part.kept]
        rejected += [Refusal(seen + refusal.index, refusal.reason) for refusal in part.rejected]
        repaired += part.repaired
        seen += len(part.kept) + len(part.rejected)
    encoded = Encoded(lines=b"\n".join(good), rows=len(kept), reading=reading) if good else None
    return Validated(encoded=encoded, kept=kept, rejected=tuple(rejected), repaired=repaired)


def _pieces(payload: bytes) -> Iterator[bytes]:
    """Whole lines, about ``_PIECE`` bytes at a time."""
    start = 0
    while start < len(payload):
        end = payload.find(b"\n", start + _PIECE)
        end = len(payload) if end < 0 else end
        yield payload[start:end]
        start = end + 1
