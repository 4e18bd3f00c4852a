r"""What travels on the bus: batches as they are, and what each node says of itself.

::

    magic "LYB1" | kind u8 | instance 8 bytes | before u64 | payload

``instance`` is drawn anew by each process. ``before`` is how many rows it had accepted before this letter, whether or
not they ever went out: so whoever reads knows exactly how many it misses. The payload of a batch is a frame of
docs/formats/wal.md; that of a greeting is JSON. Pure.
"""

import struct
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
import polars as pl

from logyard.errors import BadPayload, Corrupt
from logyard.model.batch import Batch, Encoded
from logyard.stream.chunk import Nth
from logyard.types import LogId
from logyard.wal.record import body_of, decode, encode, header_at, verify

__all__ = ["Greeting", "Letter", "Passed", "batch_letter", "greeting_letter", "in_parts", "open_letter"]

_MAGIC: Final = b"LYB1"
_HEAD: Final = struct.Struct("<4sB8sQ")
_LINES, _FRAMES, _GREETING = range(3)
_OVERHEAD: Final = 1024
"""Of a frame beside its body, and of the letter."""


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says of itself, at least once a second."""

    node: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
    """It goes into headers of answers as it is."""
    machine: int
    """Its number in snowflake ids; -1: its ids have none."""
    acknowledged: int
    """Batches it has acknowledged, since its start."""
    stored: int
    """Of these, how many can be found."""
    lag: float
    """Seconds since the arrival of the oldest batch that cannot be found yet."""


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that was not opened: only where it stands."""

    first: LogId
    rows: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message, opened."""

    instance: bytes
    before: int
    content: Batch | Passed | Greeting


def batch_letter(instance: bytes, before: int, batch: Batch) -> bytes:
    """A batch on its way."""
    body = body_of(batch)
    kind = _LINES if isinstance(batch.body, Encoded) else _FRAMES
    return b"".join((_HEAD.pack(_MAGIC, kind, instance, before), encode(batch, body), body))


def greeting_letter(instance: bytes, before: int, greeting: Greeting) -> bytes:
    """A greeting on its way."""
    return _HEAD.pack(_MAGIC, _GREETING, instance, before) + msgspec.json.encode(greeting)


def open_letter(data: bytes, *, whole: bool = True) -> Letter:
    """The inverse of both; without ``whole`` a batch is not looked into. Raises ``BadPayload``, whatever the bytes."""
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        raise BadPayload(f"{data[:16]!r} begins no letter of a bus")
    _, kind, instance, before = _HEAD.unpack_from(data)
    try:
        content = _greeting(data) if kind == _GREETING else _batch(data, kind, whole=whole)
    except (Corrupt, msgspec.DecodeError, UnicodeDecodeError, OverflowError) as error:
        raise BadPayload(f"a letter of a bus is damaged: {error}") from error
    return Letter(instance=instance, before=before, content=content)


def in_parts(batch: Batch, limit: int, nth: Nth) -> Iterator[Batch | int]:
    """The batch in parts that fit a message of ``limit`` bytes, each with its own ids; a number is rows that do not."""
    room = limit - _OVERHEAD
    if isinstance(batch.body, Encoded):
        return _parts_of_lines(batch, batch.body, room=room, nth=nth)
    return _parts_of_frame(batch, batch.body, room=room, nth=nth)


def _greeting(data: bytes) -> Greeting:
    return msgspec.json.decode(data[_HEAD.size :], type=Greeting)


def _batch(data: bytes, kind: int, *, whole: bool) -> Batch | Passed:
    header = header_at(data, _HEAD.size, len(data))
    if not whole:
        return Passed(first=LogId(header.first), rows=header.rows)
    verify(data, header, len(data))
    return decode(data, header, "lines" if kind == _LINES else "frames")


def _parts_of_lines(batch: Batch, body: Encoded, *, room: int, nth: Nth) -> Iterator[Batch | int]:
    room -= len(body.reading.encode())
    lines, start, row = body.lines, 0, 0
    while start < len(lines):
        end = len(lines) if len(lines) - start <= room else lines.rfind(b"\n", start, start + room + 1)
        if end <= start:  # one line alone is too long
            following = lines.find(b"\n", start)
            start = (following if following >= 0 else len(lines)) + 1
            row += 1
            yield 1
            continue
        part = lines[start:end]
        rows = part.count(b"\n") + 1
        yield msgspec.structs.replace(
            batch, first=nth(batch.first, row), body=msgspec.structs.replace(body, lines=part, rows=rows)
        )
        start, row = end + 1, row + rows


def _parts_of_frame(batch: Batch, frame: pl.DataFrame, *, room: int, nth: Nth) -> Iterator[Batch | int]:
    """By the size in memory, which compression makes smaller."""
    count = max(1, -(-int(frame.estimated_size()) // room))
    step = max(1, -(-frame.height // count))
    for row in range(0, frame.height, step):
        part = msgspec.structs.replace(batch, first=nth(batch.first, row), body=frame.slice(row, step))
        yield part if len(body_of(part)) <= room else part.rows
