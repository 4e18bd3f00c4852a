"""Batches in files: what cannot be sent now survives the end of the process, and is sent by whoever comes next.

    <spool>/<owner>/lock                         held by flock(2) as long as the owner lives
    <spool>/<owner>/<key>.<records>.ndjson       one batch; the key is the idempotency key it was, or will be, sent with

Each process writes into a directory of its own, so that any number of them share one spool. A directory whose lock can
be taken has no owner any more: it is adopted, its batches are sent under their old keys (what its owner had sent
already is stored once), and it goes. A file is written beside its name, synced, and renamed; names that begin with a
dot are unfinished.
"""

import contextlib
import fcntl
import os
import shutil
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from logyard.handler.batch import Batch

__all__ = ["Spool", "SpoolFull"]

_SUFFIX: Final = ".ndjson"
_LOCK: Final = "lock"


class SpoolFull(OSError):
    """Beyond ``spool_bytes``."""


class Spool:
    """Belongs to the sender's thread."""

    def __init__(self, directory: Path, owner: str, most_bytes: int) -> None:
        """Makes nothing. ``owner``: unlike any other's."""
        self._directory = directory
        self._own = directory / owner
        self._most_bytes = most_bytes
        self._bytes = 0
        self._locks: dict[Path, int] = {}
        self._files: deque[Path] = deque()
        self.count = 0
        """Records in files that are ours to send."""

    def adopt(self) -> None:
        """Take over what processes that are gone have left. Raises ``OSError``."""
        if not self._directory.is_dir():
            return
        for found in sorted(self._directory.iterdir()):
            if found.is_dir() and not found.name.startswith(".") and found not in self._locks and self._lock(found):
                for file in self._batches(found):
                    self._files.append(file)
                    self._bytes += file.stat().st_size
                    self.count += _records(file)
                if not any(file.parent == found for file in self._files):
                    self._remove(found)

    def write(self, batch: Batch) -> None:
        """Return when the batch would survive a power cut. Raises ``OSError``, ``SpoolFull`` among it."""
        if self._bytes + len(batch.body) > self._most_bytes:
            raise SpoolFull(f"the spool holds {self._bytes} bytes, spool_bytes is {self._most_bytes}")
        self._claim()
        name = f"{batch.key}.{batch.count}{_SUFFIX}"
        part = self._own / f".{name}"
        with part.open("wb") as file:
            file.write(batch.body)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._own / name)
        _sync_directory(self._own)
        self._files.append(self._own / name)
        self._bytes += len(batch.body)
        self.count += batch.count

    def oldest(self) -> Batch | None:
        """The batch to be sent next; stays until ``done``. Raises ``OSError``."""
        while self._files:
            file = self._files[0]
            with contextlib.suppress(FileNotFoundError):  # somebody has tidied up
                return Batch(file.name.partition(".")[0], file.read_bytes(), _records(file))
            self._forget(file)
        return None

    def done(self) -> None:
        """The oldest is settled."""
        file = self._files[0]
        with contextlib.suppress(FileNotFoundError):
            self._bytes -= file.stat().st_size
            file.unlink()
        self._forget(file)
        if file.parent != self._own and not any(each.parent == file.parent for each in self._files):
            self._remove(file.parent)

    def close(self) -> None:
        """Let go of the locks; directories without a batch go."""
        for directory in list(self._locks):
            if any(file.parent == directory for file in self._files):
                os.close(self._locks.pop(directory))
            else:
                self._remove(directory)

    def _forget(self, file: Path) -> None:
        self._files.popleft()
        self.count -= _records(file)

    def _claim(self) -> None:
        """Make our directory. It gets its name when it is locked, so that nobody adopts it in between."""
        if self._own in self._locks and self._own.is_dir():
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        new = self._directory / f".{self._own.name}"
        new.mkdir(mode=0o700)
        if not self._lock(new):
            raise OSError(f"cannot lock {new}")
        new.rename(self._own)
        self._locks[self._own] = self._locks.pop(new)

    def _lock(self, directory: Path) -> bool:
        try:
            descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # adopted and removed by another one just now
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._locks[directory] = descriptor
        return True

    def _remove(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(self._locks.pop(directory))

    @staticmethod
    def _batches(directory: Path) -> Iterator[Path]:
        for file in sorted(directory.iterdir()):
            if file.name.endswith(_SUFFIX) and not file.name.startswith("."):
                yield file


def _records(file: Path) -> int:
    count = file.name.split(".")[1]
    return int(count) if count.isdigit() else 0


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
