"""How many batches an output gets at once.

Single events come as batches of one record, and a request for each would cost the other side more than the records.
So what follows each other in a lane goes together, up to a limit; a batch beyond the limit goes in pieces. The same
batches give the same runs and pieces, whenever they come again.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec
import polars as pl

from logyard.model.batch import Batch, Encoded
from logyard.types import BatchId

__all__ = ["Batching", "chosen", "halves", "pieces", "runs"]


class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of what an output gets at once; 0: none."""

    rows: int = 10_000
    """Batches are not joined beyond so many records. A single batch may have more."""
    bytes: int = 8 << 20


def runs(batches: Sequence[Batch], limits: Batching) -> Iterator[Sequence[Batch]]:
    """The batches in their order, in runs within the limits; a batch beyond them is a run by itself."""
    run: list[Batch] = []
    rows = size = 0
    for batch in batches:
        more = _size(batch)
        if run and (_beyond(rows + batch.rows, limits.rows) or _beyond(size + more, limits.bytes)):
            yield run
            run, rows, size = [], 0, 0
        run.append(batch)
        rows, size = rows + batch.rows, size + more
    if run:
        yield run


def pieces(batch: Batch, limits: Batching) -> Sequence[Batch]:
    """The batch, or its halves, or theirs, until none is beyond the limit of bytes."""
    if batch.rows == 1 or not _beyond(_size(batch), limits.bytes):
        return [batch]
    return [piece for half in halves(batch) for piece in pieces(half, limits)]


def halves(batch: Batch) -> Sequence[Batch]:
    """The batch in two. The same batch gives the same halves under the same ids."""
    if isinstance(batch.body, Encoded):
        bodies: Sequence[Encoded | pl.DataFrame] = _split(batch.body)
    else:
        bodies = (batch.body.head(batch.rows // 2), batch.body.tail(-(batch.rows // 2)))
    return [_part(batch, body, bytes([number])) for number, body in enumerate(bodies)]


def chosen(batch: Batch, rows: Sequence[int]) -> Batch:
    """These records of a batch, under an id that follows from which they are; all of them are the batch itself."""
    if len(rows) == batch.rows:
        return batch
    if isinstance(batch.body, Encoded):
        lines = batch.body.lines.split(b"\n")
        kept = b"\n".join([lines[row] for row in rows])
        body: Encoded | pl.DataFrame = msgspec.structs.replace(batch.body, lines=kept, rows=len(rows))
    else:
        body = batch.body[list(rows)]
    return _part(batch, body, b"".join(row.to_bytes(4) for row in rows))


def _part(batch: Batch, body: Encoded | pl.DataFrame, which: bytes) -> Batch:
    derived = BatchId(blake2b(batch.id + which, digest_size=16).digest())
    return msgspec.structs.replace(batch, id=derived, body=body)


def _beyond(amount: int, limit: int) -> bool:
    return bool(limit) and amount > limit


def _size(batch: Batch) -> int:
    return len(batch.body.lines) if isinstance(batch.body, Encoded) else int(batch.body.estimated_size())


def _split(body: Encoded) -> tuple[Encoded, Encoded]:
    middle = body.lines.find(b"\n", len(body.lines) // 2)
    middle = body.lines.rfind(b"\n") if middle < 0 else middle
    first, second = body.lines[:middle], body.lines[middle + 1 :]
    rows = first.count(b"\n") + 1
    return (
        Encoded(lines=first, rows=rows, reading=body.reading),
        Encoded(lines=second, rows=body.rows - rows, reading=body.reading),
    )
