"""Parcels for tests of stores: real segments, as the write-ahead log writes them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from logyard.formats.json.lines import frame, validate
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.ports import Parcel
from logyard.types import BatchId, Json, LogId, Nanoseconds
from logyard.wal.record import body_of, encode

__all__ = ["NOW", "ParcelMaker"]

NOW = Nanoseconds(1_767_225_600_000_000_000)
"""2026-01-01T00:00:00Z, when every batch arrives."""


class ParcelMaker:
    """Makes segments in a directory; ids and tokens never repeat."""

    def __init__(self, directory: Path) -> None:
        """``directory`` exists."""
        self._directory = directory
        self._count = 0

    def batch(
        self, records: Iterable[dict[str, Json]], *, key: bytes = b"", reading: Reading = DEFAULT_READING
    ) -> Batch:
        """An encoded batch, keyed when a key of 16 bytes is given."""
        self._count += 1
        found = validate(b"\n".join(msgspec.json.encode(record) for record in records), reading)
        if found.encoded is None or found.rejected:
            raise ValueError(f"bad records: {found.rejected}")
        return Batch(
            id=BatchId(key or self._count.to_bytes(16, "big")),
            first=LogId((NOW // 1_000_000 + self._count * 1000) << 22),
            received=NOW,
            body=found.encoded,
            keyed=bool(key),
        )

    def framed(self, batch: Batch) -> Batch:
        """The same batch in the other form."""
        body = frame(batch.body, batch.received) if isinstance(batch.body, Encoded) else batch.body
        return msgspec.structs.replace(batch, body=body)

    def parcel(self, batches: Sequence[Batch], *, token: str = "") -> Parcel:
        """A sealed segment of these batches."""
        self._count += 1
        form = "lines" if isinstance(batches[0].body, Encoded) else "frames"
        path = self._directory / f"{self._count:020d}.{form}.sealed"
        with path.open("wb") as file:
            for batch in batches:
                body = body_of(batch)
                file.write(encode(batch, body))
                file.write(body)
        return Parcel(token=token or f"test-{self._directory.name}-{self._count}", path=path, batches=batches)
