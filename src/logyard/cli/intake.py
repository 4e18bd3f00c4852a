"""Files and stdin into blocks of NDJSON: complete, in order, and each line traceable to its place.

A line that is a JSON object goes as it is. Every other line becomes ``{"message": line, "source": path,
"service": stem of the file's name}``. Line ends are LF or CRLF; the last one may be missing. Bytes that are
not UTF-8 become U+FFFD and are counted; blank lines are skipped and counted; gzip, zstd, bzip2 and xz are
recognized by their first bytes, on stdin too. Memory stays at a few blocks, however long the input or one of
its lines is.
"""

import bz2
import gzip
import io
import lzma
import re
import select
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, cast

import msgspec
import zstandard

from logyard.errors import BadPayload
from logyard.model.reading import DEFAULT_READING

__all__ = ["BLOCK_BYTES", "LINE_BYTES", "STDIN", "Block", "Refusal", "Shape", "SourceFormat", "blocks"]

BLOCK_BYTES: Final = 4 << 20
"""How much is read at a time."""
LINE_BYTES: Final = 16 << 20
"""A longer line is refused here: no server takes it, and nobody wants it in memory."""
STDIN: Final = Path("-")

_ARRIVING_SECONDS: Final = 0.5
_SUFFIXES: Final = frozenset({".gz", ".zst", ".bz2", ".xz"})
_MAGIC: Final = re.compile(rb"(\x1f\x8b)|(\x28\xb5\x2f\xfd)|(BZh[1-9]1AY&SY)|(\xfd7zXZ\x00)", re.DOTALL)
_BROKEN: Final = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LINES: Final = msgspec.json.Decoder(msgspec.Raw)

Read = Callable[[int], bytes]
Buffered: TypeAlias = "io.BufferedReader[io.FileIO]"


class SourceFormat(StrEnum):
    """What the lines are."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How lines become records."""

    format: SourceFormat = SourceFormat.AUTO
    service: str = ""
    """Service of records that name none; empty: the stem of the file's name, for plain lines."""
    fields: Mapping[str, str] = {}
    """Put on every record that does not have them."""


class Refusal(msgspec.Struct, frozen=True):
    """A line that was not taken."""

    source: str
    line: int
    reason: str


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Some lines of one source, ready to be sent."""

    source: str
    lines: bytes
    """NDJSON without an LF at the end."""
    numbers: Sequence[int]
    """Line number in the source, from 1, of each record."""
    position: int
    """Bytes of the source, as it lies on disk, that have been read by now."""
    repaired: int = 0
    """Lines that held bytes which are not UTF-8."""
    blank: int = 0
    refused: Sequence[Refusal] = ()


def blocks(path: Path, shape: Shape) -> Iterator[Block]:
    """The blocks of a file, or of stdin for ``-``.

    Raises ``BadPayload`` that names the file and the place; ``OSError`` when it cannot be opened.
    """
    name = "stdin" if path == STDIN else str(path)
    with _raw(path) as raw:
        buffered = io.BufferedReader(raw, 1 << 20)
        forge = _Forge(shape, name, _service(path, shape))
        last = 0
        try:
            for piece in _pieces(_reader(buffered, live=path == STDIN)):
                yield forge.block(piece, last, buffered.tell() if path != STDIN else 0)
                last += piece.count(b"\n") + 1
        except _BROKEN as error:
            raise BadPayload(f"{name}: cannot be read beyond line {last}: {error}") from error


def _raw(path: Path) -> io.FileIO:
    if path == STDIN:
        return io.FileIO(sys.stdin.fileno(), closefd=False)
    return io.FileIO(path)


def _service(path: Path, shape: Shape) -> str:
    if shape.service or path == STDIN:
        return shape.service
    return Path(path.stem).stem if path.suffix in _SUFFIXES else path.stem


def _reader(stream: Buffered, *, live: bool) -> Read:
    """How to read: through the decompressor that the first bytes ask for."""
    found = _MAGIC.match(stream.peek(16))
    if found is None:
        return _Arriving(stream).read if live else stream.read
    return _DECOMPRESSORS[cast("int", found.lastindex) - 1](cast("BinaryIO", stream))


# In the order of _MAGIC.
_DECOMPRESSORS: Final[Sequence[Callable[[BinaryIO], Read]]] = (
    lambda stream: gzip.GzipFile(fileobj=stream).read,
    lambda stream: zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True).read,
    lambda stream: bz2.BZ2File(stream).read,
    lambda stream: lzma.LZMAFile(stream).read,  # noqa: SIM115 - lives as long as its reader
)


class _Arriving:
    """Reads a stream that somebody is still writing: a whole block, or what half a second brings."""

    def __init__(self, stream: Buffered) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        found = [self._stream.read1(size)]
        deadline = time.monotonic() + _ARRIVING_SECONDS
        while found[-1] and sum(map(len, found)) < size:
            patience = max(0.0, deadline - time.monotonic())
            if not select.select([self._stream], [], [], patience)[0]:
                break
            found.append(self._stream.read1(size))
        return b"".join(found)


def _pieces(read: Read) -> Iterator[bytes]:
    """Whole lines, about ``BLOCK_BYTES`` of them, without the last line's LF."""
    rest = b""
    while piece := read(BLOCK_BYTES):
        head, feed, tail = piece.rpartition(b"\n")
        if feed:
            yield rest + head
            rest = tail
        elif len(rest) <= LINE_BYTES:
            # The middle of a line that is too long already is not kept: its length refuses it.
            rest += tail
    if rest:
        yield rest


class _Forge:
    """Makes records of the lines of one source."""

    def __init__(self, shape: Shape, source: str, service: str) -> None:
        self._format = shape.format
        self._source = source
        self._plain = (
            {"source": source, "service": service, **shape.fields} if service else {"source": source, **shape.fields}
        )
        self._added = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in shape.fields.items()}
        self._service = msgspec.Raw(msgspec.json.encode(shape.service)) if shape.service else None

    def block(self, piece: bytes, before: int, position: int) -> Block:
        """The lines of ``piece``; ``before`` lines came before it."""
        if before == 0:
            piece = piece.removeprefix(b"\xef\xbb\xbf")
        lines = piece.replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
        repaired = _repair(lines, piece)
        if self._is_ready(lines):
            numbers: Sequence[int] = range(before + 1, before + 1 + len(lines))
            return Block(source=self._source, lines=b"\n".join(lines), numbers=numbers, position=position)
        kept = [
            (number, self._record(line))
            for number, line in enumerate(lines, before + 1)
            if len(line) <= LINE_BYTES and line.strip()
        ]
        refused = [
            Refusal(self._source, number, f"longer than {LINE_BYTES >> 20} MiB")
            for number, line in enumerate(lines, before + 1)
            if len(line) > LINE_BYTES
        ]
        return Block(
            source=self._source,
            lines=b"\n".join(record for _, record in kept),
            numbers=[number for number, _ in kept],
            position=position,
            repaired=repaired,
            blank=len(lines) - len(kept) - len(refused),
            refused=refused,
        )

    def _is_ready(self, lines: list[bytes]) -> bool:
        """All lines are JSON objects that nothing has to be added to: the usual case, and a fast one."""
        if self._format is SourceFormat.TEXT or self._added or self._service is not None:
            return False
        if not all(line[:1] == b"{" and len(line) <= LINE_BYTES for line in lines):
            return False
        try:
            return len(_LINES.decode_lines(b"\n".join(lines))) == len(lines)
        except msgspec.DecodeError:
            return False

    def _record(self, line: bytes) -> bytes:
        if self._format is not SourceFormat.TEXT:
            known = self._object(line)
            if known is not None:
                return known
        if self._format is SourceFormat.JSON:
            return line
        return msgspec.json.encode({"message": line.decode(), **self._plain})

    def _object(self, line: bytes) -> bytes | None:
        if line.lstrip()[:1] != b"{":
            return None
        try:
            record = _OBJECT.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return None
        added = {name: value for name, value in self._added.items() if name not in record}
        if self._service is not None and record.keys().isdisjoint(DEFAULT_READING.service):
            added["service"] = self._service
        return msgspec.json.encode({**record, **added}) if added else line


def _repair(lines: list[bytes], piece: bytes) -> int:
    """Make every line UTF-8, in place; the number of those that were not."""
    try:
        piece.decode()
    except UnicodeDecodeError:
        fixed = [line.decode(errors="replace").encode() for line in lines]
        count = sum(new != old for new, old in zip(fixed, lines, strict=True))
        lines[:] = fixed
        return count
    return 0
