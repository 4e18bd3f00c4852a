"""The corpus as the write-ahead log holds it, made without the log: for the bare engine and for filling a store."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.corpus import Piece
from logyard.model.batch import Batch, Encoded
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.record import encode

__all__ = ["FIRST_ID", "batches", "write_segment"]

FIRST_ID = 1_768_471_200_000 << 22
"""A snowflake of the corpus' own first moment, so that a server's own ids come after it."""


def batches(corpus: Path, found: Sequence[Piece], *, replaced: tuple[bytes, bytes] = (b"", b"")) -> Iterator[Batch]:
    """One batch for each piece. ``replaced``: what of each line is written anew, and how."""
    old, new = replaced
    with corpus.open("rb") as file:
        for number, piece in enumerate(found):
            file.seek(piece.offset)
            lines = file.read(piece.length).removesuffix(b"\n")
            yield Batch(
                id=BatchId(number.to_bytes(16, "big")),
                first=LogId(FIRST_ID + (number * 1000 << 22)),
                received=Nanoseconds(1_768_471_200_000_000_000),
                body=Encoded(lines=lines.replace(old, new) if old else lines, rows=piece.rows),
            )


def write_segment(path: Path, found: Iterable[Batch]) -> None:
    """A sealed segment of lines."""
    with path.open("wb") as file:
        for batch in found:
            assert isinstance(batch.body, Encoded)
            file.write(encode(batch, batch.body.lines))
            file.write(batch.body.lines)
