"""What a journal's messages say, in order: the frames that count, and where segments end. Pure.

A message counts when a later one says so: its ``floor`` lies at or above it, or it is a claim. Until then it is
held. A void mark drops what its process wrote above its floor. So the same messages always give the same answer,
whoever reads them: the process that wrote them came to it by the answers it got.
"""

from collections.abc import Iterable, Iterator

import msgspec

from logyard.errors import Corrupt
from logyard.wal.record import Form
from logyard.wal.remote.envelope import Envelope, Flag, Kind, open_envelope

__all__ = ["Found", "Replay"]

Message = tuple[int, Envelope]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Whole frames of one form, and whether the open segments end after them. No frames: they only end."""

    sequence: int
    """Of the first message that holds any of it."""
    last: int
    """Of the last one."""
    form: Form
    frames: bytes = b""
    seals: bool = False


class Replay:
    """One reading of a journal, from its first message to a claim."""

    def __init__(self) -> None:
        """Counts from nothing."""
        self.corrupt = 0
        """Messages that are none of ours, or damaged."""
        self.torn = 0
        """Bytes of frames whose end was never written."""
        self.repeated = 0
        """Messages that came twice."""
        self._numbers: dict[bytes, int] = {}
        self._parts: list[Message] = []

    def run(self, messages: Iterable[tuple[int, bytes]]) -> Iterator[Found]:
        """What counts of these messages."""
        held: list[Message] = []
        for sequence, data in messages:
            try:
                envelope = open_envelope(data)
            except Corrupt:
                self.corrupt += 1
                continue
            if envelope.number <= self._numbers.get(envelope.epoch, 0):
                self.repeated += 1
                continue
            self._numbers[envelope.epoch] = envelope.number
            certain = sequence - 1 if envelope.kind is Kind.CLAIM else envelope.floor
            yield from self._settled(message for message in held if message[0] <= certain)
            held = [message for message in held if message[0] > certain]
            if envelope.kind is Kind.VOID:
                # Nobody voids what another process has written.
                yield from self._settled(message for message in held if message[1].epoch != envelope.epoch)
                held = []
            held.append((sequence, envelope))
        yield from self._settled(held)

    def _settled(self, messages: Iterable[Message]) -> Iterator[Found]:
        for sequence, envelope in messages:
            if envelope.kind in {Kind.LINES, Kind.FRAMES}:
                yield from self._frames(sequence, envelope)
            else:
                self._tear()
                yield Found(sequence=sequence, last=sequence, form="lines", seals=True)

    def _frames(self, sequence: int, envelope: Envelope) -> Iterator[Found]:
        if envelope.flags & Flag.GOES_ON:
            if not self._follows(envelope):
                self._tear()
                self.torn += len(envelope.payload)
                return
        else:
            self._tear()
        self._parts.append((sequence, envelope))
        if envelope.flags & Flag.MORE:
            return
        parts, self._parts = self._parts, []
        yield Found(
            sequence=parts[0][0],
            last=sequence,
            form=envelope.form,
            frames=b"".join(part.payload for _, part in parts),
            seals=bool(envelope.flags & Flag.SEALS),
        )

    def _follows(self, envelope: Envelope) -> bool:
        """The message before holds the beginning of this one's frame."""
        if not self._parts:
            return False
        before = self._parts[-1][1]
        return (before.epoch, before.number + 1, before.kind) == (envelope.epoch, envelope.number, envelope.kind)

    def _tear(self) -> None:
        """The frame that began will not go on."""
        self.torn += sum(len(part.payload) for _, part in self._parts)
        self._parts = []
