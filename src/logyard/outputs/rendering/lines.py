"""Runs of batches as JSON lines, and the keys by which a record is known on the other side."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from logyard.formats.json.batches import joined
from logyard.model.batch import Batch, Encoded
from logyard.outputs.rendering.canonical import canonical
from logyard.outputs.rendering.sent import sent
from logyard.types import BatchId

__all__ = ["Form", "json_lines", "keys", "owners", "raw_lines", "run_key"]

Form = Literal["canonical", "sent"]


def json_lines(batches: Sequence[Batch], form: Form) -> bytes:
    """An object for each record, parted by LF, no LF at the end."""
    if form == "sent":
        return b"\n".join(map(sent, batches))
    return "\n".join(canonical(joined(batches))).encode()


def raw_lines(batches: Sequence[Batch]) -> bytes:
    """The lines as they came, parted by LF, no LF at the end; of records that steps have looked into, the messages, in
    which an LF is a blank.
    """
    return b"\n".join(map(_text, batches))


def _text(batch: Batch) -> bytes:
    if isinstance(batch.body, Encoded):
        return batch.body.lines
    return "\n".join(batch.body["message"].str.replace_all("\n", " ", literal=True)).encode()


def keys(batches: Sequence[Batch]) -> list[str]:
    """For each record what no other one has: a repeated batch gives the same ones."""
    stems = [(batch.id.hex(), batch.rows) for batch in batches]
    return [f"{stem}-{row}" for stem, rows in stems for row in range(rows)]


def owners(batches: Sequence[Batch]) -> list[tuple[BatchId, int]]:
    """For each record its batch and its place in it: what a ``Refused`` names."""
    return [(batch.id, row) for batch in batches for row in range(batch.rows)]


def run_key(batches: Sequence[Batch]) -> str:
    """Of a run as a whole; 32 hexadecimal digits."""
    if len(batches) == 1:
        return batches[0].id.hex()
    return blake2b(b"".join(batch.id for batch in batches), digest_size=16).hexdigest()
