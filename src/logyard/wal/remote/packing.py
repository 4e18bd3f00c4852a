"""Frames into messages: small frames share one, a frame beyond the limit is cut over several. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from logyard.model.batch import Batch
from logyard.wal.intake import Pending
from logyard.wal.record import encode

__all__ = ["Pack", "packed"]

Pieces = Sequence[bytes | memoryview]


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """Whole frames that travel together: one message, or one frame in several."""

    items: Sequence[Pending]
    messages: Sequence[Pieces]
    size: int
    """Bytes of the frames."""

    @property
    def batches(self) -> Sequence[Batch]:
        """What the frames hold."""
        return [item.batch for item in self.items]

    def frames(self) -> list[bytes | memoryview]:
        """The bytes of the frames, in pieces."""
        return [piece for pieces in self.messages for piece in pieces]


def packed(items: Iterable[Pending], limit: int) -> Iterator[Pack]:
    """Frames of one form, in order; no message's payload is longer than ``limit``."""
    held: list[Pending] = []
    pieces: list[bytes | memoryview] = []
    size = 0
    for item in items:
        head = encode(item.batch, item.body)
        length = len(head) + len(item.body)
        if held and size + length > limit:
            yield Pack(items=held, messages=[pieces], size=size)
            held, pieces, size = [], [], 0
        if length > limit:
            yield Pack(items=[item], messages=list(_cut(head, memoryview(item.body), limit)), size=length)
            continue
        held.append(item)
        pieces += (head, item.body)
        size += length
    if held:
        yield Pack(items=held, messages=[pieces], size=size)


def _cut(head: bytes, body: memoryview, limit: int) -> Iterator[Pieces]:
    """A frame in parts of at most ``limit`` bytes."""
    whole = head if len(head) > limit else b""
    if whole:  # a long tenant or reading: the parts need not end where the head does
        whole += body
        yield from ((whole[start : start + limit],) for start in range(0, len(whole), limit))
        return
    room = limit - len(head)
    yield (head, body[:room])
    for start in range(room, len(body), limit):
        yield (body[start : start + limit],)
