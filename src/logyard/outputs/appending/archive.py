"""What becomes of files that are complete: another name, perhaps packed, kept for a while.

    app.json ──► app-20261126T101500.123456Z.json ──► app-20261126T101500.123456Z.json.gz ──► gone by age or size

A packed file appears under its name when it is whole and synced, and only then the other one goes: of a crash in
between both are left, and the next start removes the one that is not packed.
"""

import contextlib
import gzip
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import msgspec
import zstandard

from logyard.outputs.appending.journal import Grown, sync_directory
from logyard.outputs.appending.paths import Paths

__all__ = ["Archive", "Rotation"]

Packing = Literal["none", "gzip", "zstd"]

_SECOND: Final = 1_000_000_000
_ENDINGS: Final = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_BLOCK: Final = 1 << 20
_LEVEL: Final = 6


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a file is complete, and what then; 0 switches a rule off."""

    bytes: int = 0
    """A file is complete from this size on."""
    seconds: float = 0
    """A file is complete so long after its beginning."""
    compression: Packing = "none"
    """Of complete files."""
    keep_days: float = 0
    """Complete files go after so many days."""
    keep_bytes: int = 0
    """The oldest complete files go while all of them together have more."""


class Archive:
    """The complete files of an output. Blocking; everything may raise ``OSError``."""

    def __init__(self, paths: Paths, rotation: Rotation) -> None:
        """Touches nothing."""
        self._root = paths.root
        self._any = "*" if paths.single else "**/*"
        self._pattern = paths.complete()
        self._rotation = rotation

    def is_due(self, grown: Grown, now: int) -> bool:
        """Whether a file is complete."""
        rules = self._rotation
        full = rules.bytes and grown.length >= rules.bytes
        return bool(full or (rules.seconds and grown.length and now - grown.since >= rules.seconds * _SECOND))

    def complete(self, path: Path, now: int) -> None:
        """Give it the name of a complete one; ``tidy`` does the rest."""
        stamp = datetime.fromtimestamp(now / _SECOND, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        with contextlib.suppress(FileNotFoundError):  # somebody took it away
            path.rename(path.with_name(f"{path.stem}-{stamp}{path.suffix}"))
            sync_directory(path.parent)

    def tidy(self, now: int) -> None:
        """Pack what is not packed, and remove what is too old or too much."""
        if self._rotation.compression != "none":
            for path in [path for path, packed in self._complete() if not packed]:
                self._pack(path)
        self._retain(now)

    def used_bytes(self) -> int:
        """Disk that the complete files use."""
        return sum(path.stat().st_size for path, _ in self._complete())

    def _complete(self) -> Iterator[tuple[Path, bool]]:
        """All, and whether they are packed."""
        for path in sorted(self._root.glob(self._any)):
            found = self._pattern.fullmatch(str(path))
            if found is not None and path.is_file():
                yield path, found["packed"] is not None

    def _pack(self, path: Path) -> None:
        kind = self._rotation.compression
        packed = path.with_name(path.name + _ENDINGS[kind])
        if not packed.exists():
            draft = path.with_name(f".{packed.name}.partial")
            with path.open("rb") as source, draft.open("wb") as target:
                with _packer(target, kind, path.stat().st_size) as stream:
                    shutil.copyfileobj(source, stream, _BLOCK)
                target.flush()
                os.fsync(target.fileno())
            found = path.stat()
            os.utime(draft, ns=(found.st_atime_ns, found.st_mtime_ns))
            draft.rename(packed)
            sync_directory(path.parent)
        path.unlink()

    def _retain(self, now: int) -> None:
        rules = self._rotation
        oldest_first = sorted((path.stat().st_mtime_ns, path, path.stat().st_size) for path, _ in self._complete())
        total = sum(size for _, _, size in oldest_first)
        for changed, path, size in oldest_first:
            old = rules.keep_days and now - changed > rules.keep_days * 86_400 * _SECOND
            if old or (rules.keep_bytes and total > rules.keep_bytes):
                path.unlink()
                total -= size


def _packer(target: BinaryIO, kind: Packing, size: int) -> BinaryIO:
    if kind == "gzip":
        return cast("BinaryIO", gzip.GzipFile(fileobj=target, mode="wb", compresslevel=_LEVEL, mtime=0))
    return cast("BinaryIO", zstandard.ZstdCompressor(level=_LEVEL).stream_writer(target, size=size, closefd=False))
