"""Published batches to one load: decoded once, however many subscribers there are."""

from collections.abc import Sequence

from logyard.formats.json.batches import joined, places
from logyard.model.batch import Batch
from logyard.stream.chunk import Load, Nth

__all__ = ["decode"]


def decode(batches: Sequence[Batch], nth: Nth) -> Load:
    """One load from batches of one tenant, at least one, in their order."""
    where = places(batches).drop("tenant")
    return Load(frame=joined(batches), places=where, nth=nth, tenant=batches[0].tenant)
