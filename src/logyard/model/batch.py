"""A batch: what travels through Logyard. Records never travel alone.

A batch has one of two forms. *Encoded*: the sender's own bytes, validated but not decoded, and how to read them.
*Framed*: a Polars frame in the columns of ``model/schema.py``. Formats and steps that need fields ask for the frame;
as long as nobody asks, nobody decodes. Both forms say the same: ``formats/json_lines.py`` turns encoded into framed by
the same rules as the store's SQL, and a property test holds the two equal.

The id of a record is not part of either form: record ``i`` of a batch has ``LogIds.nth(batch.first, i)``.
"""

import msgspec
import polars as pl

from logyard.model.reading import DEFAULT_READING, Reading
from logyard.types import BatchId, LogId, Nanoseconds, Tenant

__all__ = ["Batch", "Encoded", "Receipt"]


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """Lines as they came.

    ``lines``: UTF-8, parted by a single LF, no LF at the end, no empty line. ``rows`` is the number of lines. What a
    line is says ``reading.kind``; a JSON line is one object within the limits of ``formats/json/line.py``.
    """

    lines: bytes
    rows: int
    reading: Reading = DEFAULT_READING


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Records that are accepted, stored and acknowledged as one. ``body`` belongs to the batch: nobody changes it."""

    id: BatchId
    """The same id again is the same batch again, and is stored once."""
    first: LogId
    """Id of the first record."""
    received: Nanoseconds
    """Arrival; also the time of records that bring none."""
    body: Encoded | pl.DataFrame
    tenant: Tenant = Tenant("")
    keyed: bool = False
    """The sender chose the id (an idempotency key): it must be remembered for as long as the records are kept."""
    mark: str = ""
    """Where its receiver would go on after it, in the receiver's own words; durable with it, and stays at home."""

    @property
    def rows(self) -> int:
        """Number of records."""
        return self.body.rows if isinstance(self.body, Encoded) else self.body.height


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted batch got."""

    first: LogId
    rows: int
    duplicate: bool = False
    """True when this batch had been accepted before: nothing was stored now."""
