"""The body of an HTTP request, whole and decoded, within a limit. Serves every receiver that speaks HTTP.

Codings (RFC 9110, 8.4): ``gzip`` (several members, too), ``zstd`` (RFC 8878, several frames, too),
``deflate`` (zlib as the RFC has it, and raw as many send it), ``identity``; several of them stacked, the
last applied outermost. Decoding never holds more than the limit: a bomb is given up when its output passes
it, whatever it still promises. Large bodies are decoded in a worker thread.
"""

import asyncio
import io
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Final, Protocol

import zstandard

from logyard.errors import BadInput, BadPayload, LogyardError, TooLarge

__all__ = ["CODINGS", "ClientGone", "Message", "Receive", "UnknownCoding", "codings", "decode", "read_body"]

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]

CODINGS: Final = ("gzip", "zstd", "deflate", "identity")
"""What ``Content-Encoding`` may name."""

_ALIASES: Final = {"x-gzip": "gzip", "": "identity"}
_MOST_CODINGS: Final = 4
_INLINE_BYTES: Final = 4096
"""Encoded bodies up to here are decoded on the event loop: a thread costs more than they do."""
_PIECE: Final = 1 << 18
_SMALL_PIECE: Final = 512
_MOST_FRAMES: Final = 10_000
"""Members of gzip or frames of zstd in one body: each costs something, even an empty one."""
_MOST_BLOCKS: Final = 1_000_000
_ZSTD_WINDOW: Final = 1 << 27
_ZSTD_SKIPPABLE: Final = 0x184D2A50
_ZSTD_HEADER: Final = 18
_ZSTD_RUN: Final = 1
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_SETTING: Final = "http.body_bytes"


class ClientGone(LogyardError):
    """The client went away before its request was complete. There is nobody to answer."""


class UnknownCoding(BadInput):
    """A ``Content-Encoding`` that we do not speak."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The body as its sender meant it.

    ``limit`` is in bytes and holds before decoding and after. Raises ``TooLarge``, ``UnknownCoding``,
    ``BadPayload`` for a broken stream, ``ClientGone``. A declared length over the limit is refused before
    anything is read.
    """
    wanted = codings(headers.get(b"content-encoding", b""))
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit, f"the body of {int(declared)} bytes is")
    body = await _read(receive, limit)
    if not wanted or not body:
        return body
    if len(body) <= _INLINE_BYTES:
        return decode(body, wanted, limit)
    return await asyncio.to_thread(decode, body, wanted, limit)


def codings(header: bytes) -> tuple[str, ...]:
    """Codings in the order in which they were applied, without ``identity``. Raises ``UnknownCoding``."""
    if not header:
        return ()
    named = [name.strip().lower() for name in header.decode("latin-1").split(",")]
    known = [_ALIASES.get(name, name) for name in named]
    for name in known:
        if name not in CODINGS:
            raise UnknownCoding(f"content encoding {name!r} is not one of {', '.join(CODINGS)}")
    if len(known) > _MOST_CODINGS:
        raise UnknownCoding(f"{len(known)} content encodings stacked, over the {_MOST_CODINGS} allowed")
    return tuple(name for name in known if name != "identity")


def decode(body: bytes, applied: tuple[str, ...], limit: int) -> bytes:
    """Undo ``applied``, the last first. Raises ``TooLarge`` or ``BadPayload``."""
    for name in reversed(applied):
        try:
            body = _DECODERS[name](body, limit)
        except (zlib.error, zstandard.ZstdError, EOFError) as error:
            raise BadPayload(f"the body is not valid {name}: {error}") from error
    return body


async def _read(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone("the client went away")
    first = _chunk(message)
    if len(first) > limit:
        raise _too_large(limit, "the body is")
    if not message.get("more_body"):
        return first
    parts, size = [first], len(first)
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone(f"the client went away after {size} bytes")
        parts.append(_chunk(message))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit, "the body is")
    return b"".join(parts)


def _chunk(message: Message) -> bytes:
    body = message.get("body", b"")
    return body if isinstance(body, bytes) else b""


def _too_large(limit: int, what: str) -> TooLarge:
    return TooLarge(f"{what} over {_SETTING} {limit}")


class _Inflater(Protocol):
    """The part of ``zlib.decompressobj`` that we use."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Output:
    """Decoded pieces, and the limit for all of them together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._limit:
            raise _too_large(self._limit, "the decoded body is")

    def whole(self) -> bytes:
        return b"".join(self._parts)


def _inflate(body: bytes, at: int, out: _Output, *, window: int) -> int:
    """Decode the zlib stream that begins at ``at``; where it ends.

    The input goes in by pieces that grow: a body of many small members must not copy its rest for each of them.
    """
    stream: _Inflater = zlib.decompressobj(window)
    size = _SMALL_PIECE
    while not stream.eof:
        piece = stream.unconsumed_tail
        if not piece:
            piece = body[at : at + size]
            at += len(piece)
            size = min(2 * size, _PIECE)
        part = stream.decompress(piece, _PIECE)
        if not part and not piece:
            raise EOFError("it ends too early")
        out.add(part)
    return at - len(stream.unused_data)


def _gzip(body: bytes, limit: int) -> bytes:
    out = _Output(limit)
    at = members = 0
    # Padding of zeros behind the last member is allowed, as gzip itself does.
    while not members or (at < len(body) and (body[at] or body[at:].strip(b"\0"))):
        if members == _MOST_FRAMES:
            raise TooLarge(f"the body has more than {_MOST_FRAMES} gzip members")
        at = _inflate(body, at, out, window=_GZIP_WINDOW)
        members += 1
    return out.whole()


def _deflate(body: bytes, limit: int) -> bytes:
    with_header = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0
    out = _Output(limit)
    window = zlib.MAX_WBITS if with_header else -zlib.MAX_WBITS
    if _inflate(body, 0, out, window=window) != len(body):
        raise BadPayload("the body is not valid deflate: there is more behind its end")
    return out.whole()


def _zstd(body: bytes, limit: int) -> bytes:
    _check_zstd_ends(body)
    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    out = _Output(limit)
    with decoder.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        while part := reader.read(_PIECE):
            out.add(part)
    return out.whole()


def _check_zstd_ends(body: bytes) -> None:
    """Walk over the blocks of all frames: the decoder's reader takes a stream that stops early for a whole
    one.
    """
    at = frames = blocks = 0
    while at < len(body):
        if frames == _MOST_FRAMES or blocks > _MOST_BLOCKS:
            raise TooLarge(f"the body has more than {_MOST_FRAMES} zstd frames or {_MOST_BLOCKS} blocks")
        frames += 1
        if int.from_bytes(body[at : at + 4], "little") & ~0xF == _ZSTD_SKIPPABLE:
            at += 8 + int.from_bytes(body[at + 4 : at + 8], "little")
            continue
        frame = body[at : at + _ZSTD_HEADER]
        checksum = zstandard.get_frame_parameters(frame).has_checksum
        at, inside = _zstd_blocks(body, at + zstandard.frame_header_size(frame))
        at += 4 * checksum
        blocks += inside
    if at > len(body):
        raise EOFError("it ends too early")


def _zstd_blocks(body: bytes, at: int) -> tuple[int, int]:
    """Where the blocks that begin at ``at`` end, and how many they are."""
    blocks, last = 0, False
    while not last and at < len(body) and blocks <= _MOST_BLOCKS:
        header = int.from_bytes(body[at : at + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        at += 3 + (1 if kind == _ZSTD_RUN else size)
        blocks += 1
    if not last and blocks <= _MOST_BLOCKS:
        raise EOFError("it ends too early")
    return at, blocks


_DECODERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
