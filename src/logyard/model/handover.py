"""What is handed over at the joints beside batches: the values of ``ports.Inlet``, ``LineFormat`` and ``Output``."""

import msgspec
import polars as pl

from logyard.model.batch import Encoded
from logyard.types import BatchId, Tenant

__all__ = ["Decoded", "Refused", "Submission"]


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver hands in: records, and what it knows about them as a whole."""

    body: Encoded | pl.DataFrame
    tenant: Tenant = Tenant("")
    key: str = ""
    """The sender's idempotency key. The same key again, at any time, stores nothing and gets the first answer again."""
    mark: str = ""
    """Where the receiver would go on after this; becomes durable with the records, or not at all (``Resuming``)."""


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What a line format says about a batch of lines."""

    frame: pl.DataFrame
    """In the canonical schema: a row for each line that fits, in their order."""
    fits: pl.Series
    """A boolean for each line."""
    wrapped: pl.Series | None = None
    """For each row whether its message is a line of its own, of somebody who wrote through this format. None: none."""


class Refused(msgspec.Struct, frozen=True):
    """A record of a batch that an output's other side will never take."""

    batch: BatchId
    row: int
    """From 0."""
    reason: str
    """In the other side's own words."""
