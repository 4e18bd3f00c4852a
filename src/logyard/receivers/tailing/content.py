"""The content of a file, by offset: as it lies, or as it decompresses (gzip, zstd, bzip2, xz; several members, too).

What a file is says its beginning, not its name. A compressed file is read forwards; going back means beginning anew.
A descriptor is kept open while the file is busy: it follows the file through renames, and keeps its inode number from
being used again.
"""

import bz2
import errno
import gzip
import lzma
import os
import stat
from collections.abc import Callable
from typing import IO, Final, Protocol

import zstandard

__all__ = ["Content", "NotRegular", "Opener", "Unfinished", "open_content"]

_MAGIC: Final = 6
_PIECE: Final = 1 << 20
_ZSTD_READ: Final = 1 << 14
_ZSTD_INPUT: Final = 512
"""Bytes of zstd that are taken apart at once: they can become 128 KiB for every four."""
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class NotRegular(OSError):
    """A directory, a FIFO or a device under the name of a log."""


class Unfinished(OSError):
    """A compressed file that ends amid its stream, or is damaged there."""


class Content(Protocol):
    """One thread at a time."""

    @property
    def packed(self) -> bool:
        """It is compressed."""
        ...

    @property
    def unfinished(self) -> bool:
        """It ended amid its stream, or is damaged there: what has been read is not all."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes; fewer at the end. Raises ``OSError``."""
        ...

    def stored(self, offset: int, size: int) -> bytes:
        """Bytes as they lie on the disk. Raises ``OSError``."""
        ...

    def status(self) -> os.stat_result:
        """Of the file behind the descriptor. Raises ``OSError``."""
        ...

    def data_from(self, offset: int) -> int:
        """Where the first byte at or after ``offset`` lies that is no hole."""
        ...

    def close(self) -> None:
        """Let the descriptor go."""
        ...


Opener = Callable[[str], Content]
"""``open_content``, or what a test puts in its place."""


def open_content(path: str) -> Content:
    """Raises ``OSError``; ``NotRegular`` for what is no file."""
    # Never blocks, not even on a FIFO.
    descriptor = os.open(path, _FLAGS)
    try:
        return _content(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _content(descriptor: int) -> Content:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise NotRegular(errno.EINVAL, "not a regular file")
    unpacker = _unpacker(os.pread(descriptor, _MAGIC, 0))
    return _Plain(descriptor) if unpacker is None else _Packed(descriptor, unpacker)


class _Plain:
    packed = False
    unfinished = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def stored(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def status(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def data_from(self, offset: int) -> int:
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError:  # the rest is a hole, or the file system does not say
            return offset

    def close(self) -> None:
        os.close(self._descriptor)


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


Unpacker = Callable[[IO[bytes]], _Stream]


class _Packed:
    packed = True
    unfinished = False

    def __init__(self, descriptor: int, unpacker: Unpacker) -> None:
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self._unpacker = unpacker
        self._begin()

    def _begin(self) -> None:
        self._file.seek(0)
        self._stream = self._unpacker(self._file)
        self._buffer = b""
        self._start = 0

    def read(self, offset: int, size: int) -> bytes:
        """Keeps what lies behind ``offset``: the next read begins there, or later."""
        if offset < self._start:
            self._begin()
        end = self._start + len(self._buffer)
        parts = [self._buffer[max(0, offset - self._start) :]]
        while end < offset + size and (part := self._take(offset + size - end, bool(end > offset))):
            parts.append(part[max(0, offset - end) :])
            end += len(part)
        self._buffer = b"".join(parts)
        self._start = min(offset, end)
        return self._buffer[:size]

    def _take(self, size: int, has_some: bool) -> bytes:  # noqa: FBT001 - see what it does with it
        """The next piece. What comes before a damage is still given; the next time there is nothing but the damage."""
        try:
            # read1: a read of all that is wanted would lose what it has got before the damage.
            return self._stream.read1(min(size, _PIECE))
        except (EOFError, lzma.LZMAError, zstandard.ZstdError, OSError, ValueError) as error:
            self.unfinished = True
            if has_some:
                return b""
            self._begin()
            raise Unfinished(f"the compressed file cannot be read on: {error}") from error

    def stored(self, offset: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, offset)

    def status(self) -> os.stat_result:
        return os.fstat(self._file.fileno())

    def data_from(self, offset: int) -> int:
        return offset

    def close(self) -> None:
        self._file.close()


def _unpacker(magic: bytes) -> Unpacker | None:
    for begin, unpacker in _UNPACKERS.items():
        if magic.startswith(begin):
            return unpacker
    return None


def _gzip(file: IO[bytes]) -> _Stream:
    return gzip.GzipFile(fileobj=file, mode="rb")


def _bzip2(file: IO[bytes]) -> _Stream:
    return bz2.BZ2File(file)


def _xz(file: IO[bytes]) -> _Stream:
    return lzma.LZMAFile(file)


class _Zstd:
    """zstandard's own reader takes a stream that is cut for one that is complete."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._input = b""
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_between = True

    def read1(self, _: int, /) -> bytes:
        """Some bytes; how many is bounded by how few are put in at once. Raises ``EOFError`` amid a frame."""
        while True:
            self._input = self._input or self._file.read(_ZSTD_READ)
            if not self._input and self._is_between:
                return b""
            if not self._input:
                raise EOFError("it ends amid a frame")
            taken, self._input = self._input[:_ZSTD_INPUT], self._input[_ZSTD_INPUT:]
            part = self._frame.decompress(taken)
            self._is_between = self._frame.eof
            if self._frame.eof:
                self._input = self._frame.unused_data + self._input
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            if part:
                return part


_UNPACKERS: Final = {b"\x1f\x8b": _gzip, b"BZh": _bzip2, b"\xfd7zXZ\0": _xz, b"\x28\xb5\x2f\xfd": _Zstd}
