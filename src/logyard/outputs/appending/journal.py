"""What has been added to files for good: how far each goes, and which batches are in them.

``journal`` in the output's own directory: a JSON object a line, synced; a line that a crash has cut is as good as none.

    {"files":{"/out/app.jsonl":{"length":8192,"inode":77,"since":17...}},"batches":["<id>","<id>"]}   added together
    {"files":{"/out/app.jsonl":{"length":-1}}}                                     complete; it goes its own way now

Ids are kept of the last hundred thousand batches: those that a crash can bring again lie in the segments that the
cursor has not passed, at most some.
"""

import os
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from logyard.types import BatchId

__all__ = ["GONE", "Grown", "Journal", "sync_directory"]

_BATCHES: Final = 1 << 17
_REWRITE_BYTES: Final = 12 << 20


class Grown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that is added to."""

    length: int
    """Bytes that count; what is beyond them does not."""
    inode: int = 0
    """Another file of the same name is not this one."""
    since: int = 0
    """When it began; nanoseconds since 1970."""


GONE: Final = Grown(-1)
"""It is complete, and nothing is known of it any more."""


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    files: dict[str, Grown] = {}
    batches: tuple[str, ...] = ()


class Journal:
    """One output's. One thread at a time."""

    def __init__(self, directory: Path) -> None:
        """Reads what is there. Raises ``OSError``."""
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "journal"
        self.files: dict[str, Grown] = {}
        """Those that grow, by path."""
        recent = self._rewritten()
        self._before = array("Q", sorted(_short(bytes.fromhex(each)) for line in recent for each in line.batches))

    def has(self, batch: BatchId) -> bool:
        """Whether the batch was added before this process began: within one nothing comes twice."""
        short = _short(batch)
        at = bisect_left(self._before, short)
        return at < len(self._before) and self._before[at] == short

    def record(self, files: Mapping[str, Grown], batches: Iterable[BatchId] = ()) -> None:
        """All of it is durable when this returns, and nothing when it raises ``OSError``."""
        line = _Line(dict(files), tuple(batch.hex() for batch in batches))
        data = msgspec.json.encode(line) + b"\n"
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._cut()
            raise
        self._length += len(data)
        self._take(line)
        if self._length > _REWRITE_BYTES:
            self._file.close()
            self._rewritten()

    def close(self) -> None:
        """Nothing is recorded afterwards."""
        self._file.close()

    def _take(self, line: _Line) -> None:
        for path, grown in line.files.items():
            if grown.length < 0:
                self.files.pop(path, None)
            else:
                self.files[path] = grown

    def _rewritten(self) -> Iterable[_Line]:
        """The file anew with what counts: the lines that have ids. Raises ``OSError``; the old one stays then."""
        recent: deque[_Line] = deque()
        count = 0
        for line in _lines(self._path):
            self._take(line)
            if line.batches:
                recent.append(_Line(batches=line.batches))
                count += len(line.batches)
            while len(recent) > 1 and count - len(recent[0].batches) > _BATCHES:
                count -= len(recent.popleft().batches)
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.writelines(msgspec.json.encode(line) + b"\n" for line in (*recent, _Line(self.files)))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._path)
        sync_directory(self._path.parent)
        self._file = self._path.open("ab")
        self._length = self._path.stat().st_size
        return recent

    def _cut(self) -> None:
        """What a full disk has left of a line is no line; the next one must not follow it."""
        os.truncate(self._path, self._length)
        self._file = self._path.open("ab")


def sync_directory(directory: Path) -> None:
    """Make the names in it durable. Raises ``OSError``."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(path: Path) -> Iterator[_Line]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError:
                continue


def _short(batch: bytes) -> int:
    """Half of its bits: that two of a hundred thousand batches are alike takes 10^9 lives."""
    return int.from_bytes(batch[:8]) ^ int.from_bytes(batch[8:])
