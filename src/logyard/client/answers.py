"""What the server answers, as values."""

import msgspec

from logyard.types import Json

__all__ = ["Facet", "Hits", "Ingested", "Page", "Replicated", "Row", "Stored", "Value"]

Row = dict[str, Json]
"""A record, or whatever a query's pipes have made of it."""


class ItemError(msgspec.Struct, frozen=True):
    """One item that was refused."""

    index: int
    """Its place among the records that were given, from 0."""
    reason: str


class Ingested(msgspec.Struct, frozen=True, kw_only=True):
    """What became of records: the accepted ones would survive a crash of the server, and can be found."""

    accepted: int = 0
    rejected: int = 0
    errors: tuple[ItemError, ...] = ()
    """Of the rejected ones, the first thousand of each request."""

    def __add__(self, other: "Ingested") -> "Ingested":
        """Both together; ``other`` came behind."""
        before = self.accepted + self.rejected
        moved = tuple(ItemError(error.index + before, error.reason) for error in other.errors)
        return Ingested(
            accepted=self.accepted + other.accepted,
            rejected=self.rejected + other.rejected,
            errors=self.errors + moved,
        )


class Value(msgspec.Struct, frozen=True):
    """A value, or a field's name, and how many records have it."""

    value: str
    hits: int


class FacetValue(msgspec.Struct, frozen=True):
    """A value within a facet."""

    field_value: str
    hits: int


class Facet(msgspec.Struct, frozen=True):
    """A field and its most frequent values."""

    field_name: str
    values: tuple[FacetValue, ...]


class Hits(msgspec.Struct, frozen=True):
    """Numbers of records over time, for one combination of fields; only times with records are listed."""

    fields: dict[str, str]
    timestamps: tuple[str, ...]
    values: tuple[int, ...]
    total: int


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored; ``oldest`` and ``newest`` in RFC 3339, None when nothing is."""

    total_logs: int
    bytes_on_disk: int
    bytes_uncompressed: int
    compression_ratio: float
    parts: int
    partitions: int
    oldest: str | None
    newest: str | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of records as they were sent, each with its ``id``; newest first."""

    logs: list[Row]
    total: int
    """On all pages."""
    newest: str
    """The highest id on all pages, for ``until`` of the pages behind; "" when there is none."""


class Replicated(msgspec.Struct, frozen=True, kw_only=True):
    """What became of records that have been accepted elsewhere."""

    blocks: int
    rows: int
    stored: int
    """The others were there already."""
