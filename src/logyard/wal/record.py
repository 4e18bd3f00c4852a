r"""The frame of the write-ahead log: one batch, as one row of ClickHouse's RowBinary, with a checksum.

Limits: a body is at most 1 GiB. Invariants: the crc covers everything after itself; the first byte of the
magic, 0xff, occurs nowhere in UTF-8, so that a search for the next frame never stops inside lines that a
stranger chose.

::

    magic u32 "\xffLW1" | length u32 | crc u32
    | batch 16 bytes | first i64 | received i64 | rows u32 | flags u8
    | tenant String | reading String | body String

Numbers are little-endian; ``length`` counts the bytes after the crc; a String is a LEB128 length and bytes.
The body of a *lines* segment is ``Encoded.lines``; that of a *frames* segment is an Arrow IPC stream (lz4).
Pure: no files here.
"""

import io
import struct
import zlib
from typing import Final, Literal, NamedTuple

import msgspec
import polars as pl

from logyard.errors import Corrupt, TooLarge
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.types import BatchId, LogId, Nanoseconds, Tenant

__all__ = [
    "MAGIC",
    "MAX_FRAME",
    "STRUCTURE",
    "Form",
    "Header",
    "body_of",
    "check",
    "decode",
    "encode",
    "form_of",
    "header_at",
    "is_cut_short",
    "verify",
]

Form = Literal["lines", "frames"]

MAGIC: Final = b"\xffLW1"
MAX_FRAME: Final = 1 << 30
STRUCTURE: Final = (
    "magic UInt32, length UInt32, crc UInt32, batch FixedString(16), first Int64, received Int64, "
    "rows UInt32, flags UInt8, tenant String, reading String, body String"
)
"""The same layout in the engine's words: the third argument of ``file(path, RowBinary, ...)``."""

_FIXED: Final = struct.Struct("<4sII16sqqIB")
_PREFIX: Final = struct.Struct("<4sII")
_KEPT: Final = struct.Struct("<16sqqIB")
_KEYED: Final = 1
_BATCH_ID_BYTES: Final = 16
_VARINT_BITS: Final = 35  # five bytes of seven bits: enough for every length below MAX_FRAME


class Header(NamedTuple):
    """What a frame says about itself, and where in its buffer it lies."""

    start: int
    end: int
    crc: int
    batch: bytes
    first: int
    received: int
    rows: int
    flags: int
    tenant: bytes
    reading: bytes
    body: int
    """Offset of the body's first byte; its last is at ``end``."""

    @property
    def keyed(self) -> bool:
        """The sender chose the batch's id."""
        return bool(self.flags & _KEYED)

    @property
    def mark(self) -> str:
        """What the receiver said with it; a mark that was damaged reads as nonsense, never as an error."""
        return self.reading.decode(errors="replace").split("\n", 2)[2] if self.reading.count(b"\n") > 1 else ""


def form_of(batch: Batch) -> Form:
    """The kind of segment that takes this batch."""
    return "lines" if isinstance(batch.body, Encoded) else "frames"


def body_of(batch: Batch) -> bytes | memoryview:
    """The bytes of the batch's body: its own lines, uncopied, or its frame as an Arrow IPC stream."""
    if isinstance(batch.body, Encoded):
        return batch.body.lines
    buffer = io.BytesIO()
    batch.body.write_ipc_stream(buffer, compression="lz4")
    return buffer.getbuffer()


def check(batch: Batch, body: bytes | memoryview) -> None:
    """Whether ``encode`` can take it. Raises ``TooLarge``, or ``ValueError`` for an id that is none."""
    if len(batch.id) != _BATCH_ID_BYTES:
        raise ValueError(f"a batch id is {_BATCH_ID_BYTES} bytes, not {batch.id!r}")
    if len(body) > MAX_FRAME:
        raise TooLarge(f"a batch of {len(body)} bytes is beyond the {MAX_FRAME} of one frame")


def encode(batch: Batch, body: bytes | memoryview) -> bytes:
    """Everything of the frame that comes before its body. The batch has passed ``check``."""
    reading = batch.body.reading.encode() if isinstance(batch.body, Encoded) else ""
    kept = b"".join(
        (
            _KEPT.pack(batch.id, batch.first, batch.received, batch.rows, _KEYED if batch.keyed else 0),
            _string(batch.tenant.encode()),
            _string(_noted(reading, batch.mark).encode()),
            _varint(len(body)),
        )
    )
    return _PREFIX.pack(MAGIC, len(kept) + len(body), zlib.crc32(body, zlib.crc32(kept))) + kept


def header_at(data: bytes, start: int, limit: int) -> Header:
    """The frame that begins at ``start``, its structure checked, its checksum not. Raises ``Corrupt``."""
    if start + _FIXED.size > limit:
        raise Corrupt(f"{limit - start} bytes at {start} are no whole frame")
    magic, length, crc, batch, first, received, rows, flags = _FIXED.unpack_from(data, start)
    if magic != MAGIC:
        raise Corrupt(f"no frame begins at {start}: {magic!r}")
    end = start + _PREFIX.size + length
    tenant_at, tenant_end = _span(data, start + _FIXED.size, limit)
    reading_at, reading_end = _span(data, tenant_end, limit)
    body, body_end = _span(data, reading_end, limit)
    if body_end != end:
        raise Corrupt(f"the frame at {start} says that it ends at {end}, its body ends at {body_end}")
    tenant, reading = data[tenant_at:tenant_end], data[reading_at:reading_end]
    return Header(start, end, crc, batch, first, received, rows, flags, tenant, reading, body)


def is_cut_short(data: bytes, start: int, limit: int) -> bool:
    """What begins at ``start`` is the beginning of a sound frame whose end is missing."""
    rest = data[start : min(start + _FIXED.size, limit)]
    if len(rest) < _FIXED.size:
        return MAGIC.startswith(rest[: len(MAGIC)])
    end = start + _PREFIX.size + int.from_bytes(rest[4:8], "little")
    if not rest.startswith(MAGIC) or end <= limit:
        return False
    at = start + _FIXED.size
    try:
        for _ in range(3):
            _, at = _span(data, at, limit)
    except Corrupt:
        return True
    return at == end


def verify(data: bytes, header: Header, limit: int) -> None:
    """Hold the frame against its checksum. Raises ``Corrupt``."""
    if header.end > limit:
        raise Corrupt(f"the frame at {header.start} ends at {header.end}, beyond {limit}")
    if zlib.crc32(memoryview(data)[header.start + _PREFIX.size : header.end]) != header.crc:
        raise Corrupt(f"the frame at {header.start} fails its checksum")


def decode(data: bytes, header: Header, form: Form) -> Batch:
    """The batch of a verified frame. Raises ``Corrupt`` for a body that this version cannot read."""
    raw = data[header.body : header.end]
    try:
        body = _lines(raw, header) if form == "lines" else pl.read_ipc_stream(raw)
        tenant, mark = header.tenant.decode(), header.mark
    except (msgspec.DecodeError, UnicodeDecodeError, pl.exceptions.PolarsError, OSError) as error:
        raise Corrupt(f"the frame at {header.start} holds no {form}: {error}") from error
    return Batch(
        id=BatchId(header.batch),
        first=LogId(header.first),
        received=Nanoseconds(header.received),
        body=body,
        tenant=Tenant(tenant),
        keyed=header.keyed,
        mark=mark,
    )


def _noted(reading: str, mark: str) -> str:
    """The reading's lines, and the mark as the third."""
    return f"{reading}{'' if reading.count(chr(10)) else chr(10)}\n{mark}" if mark else reading


def _lines(raw: bytes, header: Header) -> Encoded:
    if not header.reading:
        return Encoded(lines=raw, rows=header.rows)
    rules = "\n".join(header.reading.decode().split("\n", 2)[:2])
    return Encoded(lines=raw, rows=header.rows, reading=Reading.decode(rules.removesuffix("\n")))


def _string(raw: bytes) -> bytes:
    return _varint(len(raw)) + raw


def _varint(number: int) -> bytes:
    """LEB128, as RowBinary and protocol buffers have it."""
    parts = bytearray()
    while number > 127:  # noqa: PLR2004 - seven bits a byte
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _span(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Begin and end of the String at ``at``; the end may lie beyond ``limit``, the length may not."""
    length = shift = 0
    while at < limit and shift < _VARINT_BITS:
        byte = data[at]
        at += 1
        length |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the last byte of a LEB128 number
            return at, at + length
        shift += 7
    raise Corrupt(f"no string length ends before {at}")
