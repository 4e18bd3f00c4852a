"""What is handed over at the joints beside batches: the values of ``ports.Inlet``, ``LineFormat`` and ``Output``."""

import msgspec
import polars as pl

from logyard.model.batch import Encoded
from logyard.types import BatchId, LogId, Nanoseconds, Tenant

__all__ = ["Decoded", "Placed", "Refused", "Submission"]


class Placed(msgspec.Struct, frozen=True):
    """What records got where they were accepted first: here they are to be the same records."""

    first: LogId
    """Id of the first; the others' follow from it (``LogIds.nth``)."""
    received: Nanoseconds
    fresh: bool = False
    """Nobody has been given them before: whether they are here already need not be looked up on the disk."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver hands in: records, and what it knows about them as a whole."""

    body: Encoded | pl.DataFrame
    tenant: Tenant = Tenant("")
    key: str = ""
    """The sender's idempotency key. The same key again, at any time, stores nothing and gets the first answer again."""
    mark: str = ""
    """Where the receiver would go on after this; becomes durable with the records, or not at all (``Resuming``)."""
    placed: Placed | None = None
    """Of records that were accepted elsewhere. They pass no pipeline: they have passed one, and a dropped record would
    shift the ids of those behind it.
    """


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
