"""A disk that fails when a test says so, and a power cut that keeps what a real one would.

Files lie in a real folder, so that the engine can read them too; only ``sync`` is pretended. What was
synced survives ``crash``; of what was not, any beginning does, perhaps with a hole of zeros in it. Names
behave likewise: changes since the last ``sync_directory`` survive up to any one of them, in order. After a
sync that failed, later syncs of the same bytes succeed and mean nothing, as on Linux.
"""

import contextlib
import errno
import os
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from logyard.wal.disk import AppendFile, Buffer, RealDisk

__all__ = ["FaultyDisk", "Operation"]

Operation = Literal["open", "read", "write", "sync", "truncate", "rename", "unlink", "sync_directory"]


@dataclass(slots=True, eq=False)
class _Node:
    """A file, whatever its name."""

    content: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    doubtful: int | None = None
    """Where the bytes begin that a failed sync left behind."""


@dataclass(slots=True)
class _Fault:
    error: int
    times: int
    after: int


class FaultyDisk:
    """A ``Disk`` over one folder, for one process: after ``crash`` it is dead, and its successor sees what
    survived.
    """

    def __init__(self, root: Path, *, capacity: int | None = None) -> None:
        """What lies under ``root`` counts as durable. ``capacity`` is in bytes over all files; None for
        plenty.
        """
        self.capacity = capacity
        self.syncs = 0
        """How often ``sync`` of a file was asked for."""
        self._root = root
        self._real = RealDisk()
        self._mutex = threading.RLock()
        self._faults: dict[Operation, _Fault] = {}
        self._dead = False
        self._locked: set[Path] = set()
        paths = [path for path in root.rglob("*") if path.is_file()]
        self._names = {path: _adopted(path) for path in paths}
        self._durable_names = dict(self._names)
        self._changes: list[tuple[Path, _Node | None]] = []

    def fail(self, operation: Operation, *, error: int = errno.EIO, times: int = 1, after: int = 0) -> None:
        """The next ``times`` calls fail; a write puts ``after`` of its bytes down first (a short write)."""
        self._faults[operation] = _Fault(error, times, after)

    def heal(self) -> None:
        """No fault is left, and the disk has plenty of room."""
        self._faults.clear()
        self.capacity = None

    def flip(self, path: Path, offset: int, bit: int) -> None:
        """Flip one bit of a file, as a failing disk does: on the platter and in the cache."""
        with self._mutex:
            node = self._names[path]
            node.content[offset] ^= 1 << bit
            if offset < len(node.synced):
                changed = bytearray(node.synced)
                changed[offset] ^= 1 << bit
                node.synced = bytes(changed)
            path.write_bytes(node.content)

    def crash(self, chance: random.Random) -> "FaultyDisk":
        """Cut the power; the disk as the next process finds it. ``chance`` decides what half-done work
        survives.
        """
        with self._mutex:
            self._dead = True
            names = dict(self._durable_names)
            for path, node in self._changes[: chance.randint(0, len(self._changes))]:
                _apply(names, path, node)
            for path in self._names:
                path.unlink(missing_ok=True)
            for path, node in names.items():
                path.write_bytes(_survivor(node, chance))
            return FaultyDisk(self._root)

    # The port.

    def open_append(self, path: Path) -> AppendFile:
        """Open for appending; make the file when there is none."""
        with self._operation("open"):
            if path not in self._names:
                path.write_bytes(b"")
                self._rename_to(path, _Node())
            return _FaultyFile(self, self._names[path], path)

    def read(self, path: Path) -> bytes:
        """The whole file."""
        with self._operation("read"):
            return bytes(self._known(path).content)

    def size(self, path: Path) -> int:
        """Length of the file in bytes."""
        with self._operation("read"):
            return len(self._known(path).content)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, atomically."""
        with self._operation("rename"):
            node = self._known(source)
            self._real.rename(source, target)
            self._rename_to(target, node)
            self._rename_to(source, None)

    def unlink(self, path: Path) -> None:
        """Remove the name."""
        with self._operation("unlink"):
            self._known(path)
            self._real.unlink(path)
            self._rename_to(path, None)

    def list(self, directory: Path) -> Sequence[str]:
        """Names in the folder, sorted."""
        with self._operation("read"):
            return self._real.list(directory)

    def make_directory(self, directory: Path) -> None:
        """Make the folder; folders are always durable here."""
        with self._operation("open"):
            directory.mkdir(parents=True, exist_ok=True)

    def sync_directory(self, directory: Path) -> None:
        """Make the names in the folder durable."""
        with self._operation("sync_directory"):
            for path, node in self._changes:
                if path.parent == directory:
                    _apply(self._durable_names, path, node)
            self._changes = [change for change in self._changes if change[0].parent != directory]

    def free_bytes(self, directory: Path) -> int:
        """Room left under ``capacity``."""
        with self._mutex:
            return self._room()

    @contextlib.contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """Hold the file until the context is left."""
        if path in self._locked:
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
        self._locked.add(path)
        yield
        self._locked.discard(path)

    # What an open file needs.

    def write_to(self, node: _Node, path: Path, data: bytes) -> None:
        """Append as much as faults and room allow, then raise if that was not all."""
        with self._mutex:
            fault = self._due("write")
            fits = min(len(data), self._room(), len(data) if fault is None else fault.after)
            node.content += data[:fits]
            with path.open("ab") as file:
                file.write(data[:fits])
            if fault is not None:
                raise _error(fault.error)
            if fits < len(data):
                raise _error(errno.ENOSPC)

    def sync_node(self, node: _Node) -> None:
        """Make its bytes durable, but for those in doubt."""
        with self._mutex:
            self.syncs += 1
            fault = self._due("sync")
            if fault is not None:
                node.doubtful = len(node.synced) if node.doubtful is None else node.doubtful
                raise _error(fault.error)
            node.synced = bytes(node.content[: node.doubtful])

    def truncate_node(self, node: _Node, path: Path, length: int) -> None:
        """Cut it; bytes in doubt that are cut off are in doubt no more."""
        with self._operation("truncate"):
            del node.content[length:]
            os.truncate(path, length)
            if node.doubtful is not None and length <= node.doubtful:
                node.doubtful = None

    def path_of(self, node: _Node, last: Path) -> Path:
        """Where the file lies now."""
        return next((path for path, other in self._names.items() if other is node), last)

    @contextlib.contextmanager
    def _operation(self, operation: Operation) -> Iterator[None]:
        with self._mutex:
            fault = self._due(operation)
            if fault is not None:
                raise _error(fault.error)
            yield

    def _due(self, operation: Operation) -> _Fault | None:
        """The fault that this call meets."""
        if self._dead:
            return _Fault(errno.EIO, 1, 0)
        fault = self._faults.get(operation)
        if fault is None or fault.times == 0:
            return None
        fault.times -= 1
        return fault

    def _known(self, path: Path) -> _Node:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return self._names[path]

    def _rename_to(self, path: Path, node: _Node | None) -> None:
        _apply(self._names, path, node)
        self._changes.append((path, node))

    def _room(self) -> int:
        used = sum(len(node.content) for node in self._names.values())
        return 1 << 40 if self.capacity is None else max(0, self.capacity - used)


class _FaultyFile:
    """An ``AppendFile`` of a ``FaultyDisk``."""

    def __init__(self, disk: FaultyDisk, node: _Node, path: Path) -> None:
        self._disk = disk
        self._node = node
        self._path = path

    def write(self, buffers: Sequence[Buffer]) -> None:
        self._disk.write_to(self._node, self._disk.path_of(self._node, self._path), b"".join(buffers))

    def sync(self) -> None:
        self._disk.sync_node(self._node)

    def truncate(self, length: int) -> None:
        self._disk.truncate_node(self._node, self._disk.path_of(self._node, self._path), length)

    def close(self) -> None:
        """Nothing is held."""


def _adopted(path: Path) -> _Node:
    content = path.read_bytes()
    return _Node(bytearray(content), content)


def _apply(names: dict[Path, _Node], path: Path, node: _Node | None) -> None:
    if node is None:
        names.pop(path, None)
    else:
        names[path] = node


def _survivor(node: _Node, chance: random.Random) -> bytes:
    """What a power cut leaves of a file."""
    current, synced = bytes(node.content[: node.doubtful]), node.synced
    if not current.startswith(synced):  # cut, and not synced since: the old or the new
        return chance.choice([current, synced])
    kept = bytearray(current[: chance.randint(len(synced), len(current))])
    if len(kept) > len(synced) and chance.random() < 0.3:
        hole = chance.randint(len(synced), len(kept))
        kept[hole : hole + 50] = bytes(len(kept[hole : hole + 50]))
    return bytes(kept)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
