"""How far each file has been read, on disk: one file, replaced as a whole. docs/formats/checkpoints.md has its layout.

The write-ahead log holds what is newer than this file (``ports.Resuming``): so it is written now and then, and before
the log lets go of a batch, but not for every block.
"""

import contextlib
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from logyard.errors import Corrupt, NotNow
from logyard.receivers.tailing.durable import replace_durably
from logyard.receivers.tailing.known import Known

__all__ = ["Checkpoints", "decode", "encode", "put_aside"]

VERSION: Final = 1
_NAME: Final = "checkpoints"
_MAGIC: Final = b"logyard checkpoints"
_MARK: Final = msgspec.json.Decoder(list[Known])


class Checkpoints:
    """What is known of every file. Any thread."""

    def __init__(self, directory: Path, marks: Iterable[str] = ()) -> None:
        """Reads what is there, then what the log has. Raises ``Corrupt`` for a file that fails its checksum."""
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / _NAME
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._files: dict[int, Known] = {}
        self._dirty = False
        with contextlib.suppress(FileNotFoundError):
            self._files = {known.serial: known for known in decode(self._path.read_bytes())}
        self.took = self.take(marks)
        """Files of which the log knew more."""

    def all(self) -> Mapping[int, Known]:
        """By serial."""
        with self._lock:
            return dict(self._files)

    def take(self, marks: Iterable[str]) -> int:
        """Learn from marks; of two accounts of a file the newer counts. How many were news."""
        return self.put(known for mark in marks for known in _read(mark))

    def put(self, known: Iterable[Known]) -> int:
        """Learn these; how many were news."""
        news = 0
        with self._lock:
            for each in known:
                mine = self._files.get(each.serial)
                if mine is None or mine.version < each.version:
                    self._files[each.serial] = each
                    self._dirty = True
                    news += 1
        return news

    def forget(self, serials: Iterable[int]) -> None:
        """These will never be asked for again."""
        with self._lock:
            for serial in serials:
                self._dirty |= self._files.pop(serial, None) is not None

    def save(self) -> None:
        """Return when all that is known is durable. Raises ``NotNow`` when the disk refuses."""
        with self._saving:
            with self._lock:
                if not self._dirty:
                    return
                data = encode(self._files.values())
                self._dirty = False
            try:
                replace_durably(self._path, data)
            except OSError as error:
                self._dirty = True
                raise NotNow(f"cannot write {self._path}: {error.strerror}") from error

    @staticmethod
    def mark(known: Sequence[Known]) -> str:
        """What travels with a batch."""
        return msgspec.json.encode(known).decode()


def put_aside(directory: Path, error: Corrupt) -> None:
    """Keep a damaged file for whoever wants to look. Raises the error itself when the file is of a newer version."""
    path = directory / _NAME
    if path.read_bytes().startswith(_MAGIC) and "version" in str(error):
        raise error
    path.replace(path.with_suffix(".corrupt"))


def encode(known: Iterable[Known]) -> bytes:
    """The file's bytes."""
    body = b"".join(msgspec.json.encode(each) + b"\n" for each in known)
    return b"%s %d %08x\n%s" % (_MAGIC, VERSION, zlib.crc32(body), body)


def decode(data: bytes) -> list[Known]:
    """The inverse of ``encode``. Raises ``Corrupt``, also for a version that is newer than this program."""
    head, _, body = data.partition(b"\n")
    magic, version, checksum = [*head.rsplit(b" ", 2), b"", b""][:3]
    if magic != _MAGIC or not version.isdigit():
        raise Corrupt(f"{data[:40]!r} is not the beginning of a file of checkpoints")
    if int(version) > VERSION:
        raise Corrupt(f"the checkpoints are of version {int(version)}; this Logyard knows versions up to {VERSION}")
    if checksum != b"%08x" % zlib.crc32(body):
        raise Corrupt("the checkpoints fail their checksum")
    return [msgspec.json.decode(line, type=Known) for line in body.splitlines()]


def _read(mark: str) -> list[Known]:
    try:
        return _MARK.decode(mark)
    except msgspec.DecodeError:
        return []  # a mark that was damaged in the log is no news
