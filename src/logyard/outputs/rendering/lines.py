"""Runs of batches as JSON lines, and the keys by which a record is known on the other side."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.rendering.canonical import canonical
from logyard.outputs.rendering.sent import sent
from logyard.types import BatchId

__all__ = ["Form", "json_lines", "keys", "messages", "owners", "run_key"]

Form = Literal["canonical", "sent"]


def json_lines(batches: Sequence[Batch], form: Form) -> bytes:
    """An object for each record, parted by LF, no LF at the end."""
    if form == "sent":
        return b"\n".join(map(sent, batches))
    return "\n".join(canonical(joined(batches))).encode()


def messages(batches: Sequence[Batch]) -> bytes:
    """Nothing but the messages, parted by LF; an LF within one is a blank."""
    return "\n".join(joined(batches)["message"].str.replace_all("\n", " ", literal=True)).encode()


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
