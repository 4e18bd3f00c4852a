"""What a move has done, on disk: so that it goes on where it was killed.

    logyard-<from>-to-<to>.moving     a move that is under way, or was
    logyard-<from>-to-<to>.moved      one that is complete

Lines of JSON, each synced: first from where to where, then each partition as it was when both sides held the same. A
line that a crash has cut is as good as none. Nothing that was moved depends on it, only what need not be compared
again.
"""

import os
import re
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from logyard.errors import BadInput

__all__ = ["Journal", "Verified"]

Kind = TypeVar("Kind", bound=msgspec.Struct)


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    source: str
    target: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A partition, equal on both sides."""

    partition: str
    rows: int
    checksum: int
    until: int
    """Of the records received before then; nanoseconds."""


class Journal:
    """One file. One process at a time."""

    def __init__(self, path: Path, verified: dict[str, Verified]) -> None:
        self._path = path
        self._verified = verified
        self._file = path.open("ab")

    @staticmethod
    def place(folder: Path, source: str, target: str) -> Path:
        """The file's name in ``folder``."""
        return folder / f"logyard-{_plain(source)}-to-{_plain(target)}.moving"

    @classmethod
    def open(cls, path: Path, source: str, target: str) -> Self:
        """Go on with the file, or begin it. Raises ``BadInput`` for one of another move, or that cannot be written."""
        way = _Way(source=source, target=target)
        try:
            first, *lines = path.read_bytes().split(b"\n") if path.exists() else (b"",)
            if first and _decoded(first, _Way) not in {way, None}:
                raise BadInput(f"{path} belongs to another move: {first.decode(errors='replace')}")
            found = [each for line in lines if (each := _decoded(line, Verified)) is not None]
            if _decoded(first, _Way) is None:
                path.unlink(missing_ok=True)
            journal = cls(path, {each.partition: each for each in found})
        except OSError as error:
            raise BadInput(f"cannot keep a journal in {path}: {error.strerror}") from error
        if path.stat().st_size == 0:
            journal._write(way)
        elif not path.read_bytes().endswith(b"\n"):
            journal._file.write(b"\n")  # behind a line that was cut
        return journal

    def known(self, partition: str) -> Verified | None:
        """How it was when both sides held the same; None when that never was."""
        return self._verified.get(partition)

    def record(self, verified: Verified) -> None:
        """Both sides hold the same."""
        self._verified[verified.partition] = verified
        self._write(verified)

    def complete(self) -> Path:
        """The move is over; the file's new name."""
        self._file.close()
        return self._path.rename(self._path.with_suffix(".moved"))

    def close(self) -> None:
        """Leave it for the next try."""
        self._file.close()

    def _write(self, line: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _decoded(line: bytes, kind: type[Kind]) -> Kind | None:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError:
        return None


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", text.removeprefix("http://").removeprefix("https://")).strip("_.") or "here"
