"""The canonical schema: the columns of a framed batch, and what each means.

``attributes`` is the JSON text of one object: everything that is not in a column, nested as it came. ``origin`` says
which of the sender's keys filled which column where the two names differ, so that a record can be given back with the
keys it came with: ``",level=lvl,message=msg,"`` (empty when all names are ours). ``",service=,"`` says that the
sender had none and a default was set; likewise ``timestamp``.
"""

from typing import Final

import polars as pl

__all__ = ["ATTRIBUTES", "FRAME", "KEYED_COLUMNS", "TEXT_COLUMNS"]

_TYPES: Final[dict[str, pl.DataType]] = {
    "timestamp": pl.Datetime("ns", "UTC"),
    "level": pl.String(),
    "severity": pl.UInt8(),
    "level_text": pl.String(),
    "service": pl.String(),
    "host": pl.String(),
    "source": pl.String(),
    "stream": pl.String(),
    "message": pl.String(),
    "trace_id": pl.String(),
    "span_id": pl.String(),
    "correlation_id": pl.String(),
    "tags": pl.List(pl.String()),
    "attributes": pl.String(),
    "origin": pl.String(),
}

FRAME: Final = pl.Schema(_TYPES)
"""Columns of a frame, in order; none is ever null.

timestamp: when it happened, UTC. level: TRACE DEBUG INFO WARNING ERROR CRITICAL, or "" when the sender gave none.
severity: OpenTelemetry's number 1-24, 0 for none. level_text: the sender's own word as JSON text would hold it
(``warn``, ``30``), "" where it equals ``level``. service: "unknown" when the sender gave none. host, source: "" for
none. stream: the stream's identity, ``{host="a",service="b"}``. message: "" for none. tags: labels put on by the
pipeline.
"""

ATTRIBUTES: Final = "attributes"

KEYED_COLUMNS: Final = (
    "timestamp",
    "level",
    "message",
    "service",
    "host",
    "trace_id",
    "span_id",
    "correlation_id",
    "source",
)
"""Columns that a sender's key fills; the fields of ``Reading`` of the same names say which."""

TEXT_COLUMNS: Final = tuple(name for name, kind in FRAME.items() if kind == pl.String and name != ATTRIBUTES)
