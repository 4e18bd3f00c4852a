"""Counting what became of generated records: lost, duplicated, reordered, split and altered ones, by stream.

Memory grows with the number of streams and of gaps, not with the number of records.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from logyard.demo.intervals import Intervals
from logyard.demo.stamps import Condition, find

__all__ = ["Findings", "StreamFindings", "Verifier"]


class StreamFindings(msgspec.Struct, frozen=True, kw_only=True):
    """One stream."""

    stream: str
    received: int
    """Stamps that arrived, duplicates among them."""
    last: int
    """The highest number that arrived."""
    lost: int
    """Numbers that never arrived, from 1 to ``last`` or to what was expected."""
    duplicated: int
    reordered: int
    """Records that came after one with a higher number."""
    split: int
    altered: int

    @property
    def clean(self) -> bool:
        """Everything arrived once, in order and whole."""
        return not (self.lost or self.duplicated or self.reordered or self.split or self.altered)


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All streams."""

    ok: bool
    records: int
    """What was looked at."""
    unstamped: int
    """Records without a stamp: others' logs, or the beginnings of split records."""
    broken_stamps: int
    """Pieces that end within a stamp, so that nobody knows whose they were."""
    joined: int
    """Records that arrived within another one."""
    streams: tuple[StreamFindings, ...]


class _Stream:
    """The count of one stream."""

    __slots__ = ("altered", "duplicated", "numbers", "received", "reordered", "split")

    def __init__(self) -> None:
        self.numbers = Intervals()
        self.received = self.duplicated = self.reordered = self.split = self.altered = 0

    def note(self, number: int, condition: Condition) -> None:
        highest = self.numbers.highest
        self.received += 1
        if not self.numbers.add(number):
            self.duplicated += 1
        elif number < highest:
            self.reordered += 1
        if condition is Condition.SPLIT:
            self.split += 1
        elif condition is Condition.ALTERED:
            self.altered += 1

    def findings(self, name: str, expected: int) -> StreamFindings:
        last = self.numbers.highest
        return StreamFindings(
            stream=name,
            received=self.received,
            last=last,
            lost=max(last, expected) - self.numbers.count,
            duplicated=self.duplicated,
            reordered=self.reordered,
            split=self.split,
            altered=self.altered,
        )


class _Line(msgspec.Struct, frozen=True, gc=False):
    """As much of a JSON record as is looked at."""

    message: str | None = None


_READ: Final = msgspec.json.Decoder(_Line).decode


class Verifier:
    """Takes records in the order in which they arrived. One thread."""

    def __init__(self, only: str = "") -> None:
        """``only``: the one stream that counts; "" for all."""
        self._only = only
        self._streams: dict[str, _Stream] = {only: _Stream()} if only else {}
        self._records = 0
        self._unstamped = 0
        self._broken = 0
        self._joined = 0

    def take(self, lines: Iterable[bytes]) -> None:
        """Lines without their ends: JSON objects with a ``message``, or any text that holds the message."""
        for line in lines:
            if line:
                self._records += 1
                self._look(_message(line))

    def findings(self, expected: int = 0) -> Findings:
        """What has been found; ``expected`` records should be in each stream (0: nobody knows)."""
        streams = tuple(stream.findings(name, expected) for name, stream in sorted(self._streams.items()))
        arrived = any(stream.received for stream in streams)
        return Findings(
            ok=arrived and not self._broken and not self._joined and all(stream.clean for stream in streams),
            records=self._records,
            unstamped=self._unstamped,
            broken_stamps=self._broken,
            joined=self._joined,
            streams=streams,
        )

    def _look(self, text: bytes) -> None:
        found = 0
        for seen in find(text):
            found += 1
            if not seen.number:
                self._broken += 1
            elif not self._only or seen.stream == self._only:
                self._stream(seen.stream).note(seen.number, seen.condition)
        self._unstamped += not found
        self._joined += max(0, found - 1)

    def _stream(self, name: str) -> _Stream:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Stream()
        return stream


def _message(line: bytes) -> bytes:
    if not line.startswith(b"{"):
        return line
    try:
        message = _READ(line).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line  # a piece of a record: what is left of its stamp tells
    return line if message is None else message.encode()
