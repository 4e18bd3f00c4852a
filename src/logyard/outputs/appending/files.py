"""Growing files: add whole lines to them, let go of those that are complete."""

import contextlib
import fcntl
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from logyard.outputs.appending.archive import Archive
from logyard.outputs.appending.journal import GONE, Grown, Journal, sync_directory
from logyard.types import BatchId

__all__ = ["Files"]

_OPEN: Final = 128
_MODE: Final = 0o640


class Files:
    """Blocking; one thread at a time. Everything may raise ``OSError``: then nothing of the call counts."""

    def __init__(self, journal: Journal, archive: Archive, header: bytes = b"") -> None:
        """``header``: what every file begins with."""
        self._journal = journal
        self._archive = archive
        self._header = header
        self._open: OrderedDict[str, int] = OrderedDict()

    def add(self, texts: Mapping[str, bytes], batches: Iterable[BatchId], now: int) -> None:
        """Add to the end of each file, by path; all of it is durable when this returns."""
        grown = {path: self._write(path, text, now) for path, text in texts.items()}
        self._journal.record(grown, batches)

    def tend(self, now: int) -> None:
        """Complete the files whose time or size has come."""
        due = [path for path, grown in self._journal.files.items() if self._archive.is_due(grown, now)]
        for path in due:
            self._let_go(path)
            self._archive.complete(Path(path), now)
            self._journal.record({path: GONE})

    def close(self) -> None:
        """Close what is open."""
        for path in list(self._open):
            self._let_go(path)

    def _write(self, path: str, text: bytes, now: int) -> Grown:
        descriptor, grown = self._ready(path, now)
        data = text if grown.length else self._header + text
        view, at = memoryview(data), grown.length
        while view:
            written = os.pwrite(descriptor, view, at)
            view, at = view[written:], at + written
        os.fsync(descriptor)
        return Grown(at, grown.inode, grown.since)

    def _ready(self, path: str, now: int) -> tuple[int, Grown]:
        """The file, open, and cut to what counts."""
        descriptor = self._descriptor(path)
        found, known = os.fstat(descriptor), self._journal.files.get(path)
        if known is None or known.inode != found.st_ino or found.st_size < known.length:
            # A file that is new, or somebody else's: what is in it stays.
            known = Grown(found.st_size, found.st_ino, now)
            self._journal.record({path: known})
        elif found.st_size > known.length:
            os.ftruncate(descriptor, known.length)
        return descriptor, known

    def _descriptor(self, path: str) -> int:
        found = self._open.get(path)
        if found is not None and _is(path, found):
            self._open.move_to_end(path)
            return found
        self._let_go(path)
        directory = Path(path).parent
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
        self._open[path] = descriptor
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of two that add to one file, each would cut the other
        sync_directory(directory)
        if len(self._open) > _OPEN:
            self._let_go(next(iter(self._open)))
        return descriptor

    def _let_go(self, path: str) -> None:
        if path in self._open:
            os.close(self._open.pop(path))


def _is(path: str, descriptor: int) -> bool:
    """Whether the name still means the file that is open: others may rotate it, too."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116 - beside fstat
    return False
