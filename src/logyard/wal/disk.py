"""The disk as a parameter: what the log asks of a file system, and the real one. Every method may raise
``OSError``.
"""

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

__all__ = ["AppendFile", "Buffer", "Disk", "RealDisk", "replace_file"]

Buffer = bytes | memoryview

_BUFFERS_A_CALL: Final = 1024  # IOV_MAX of Linux


class AppendFile(Protocol):
    """A file that only grows at its end. One thread."""

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Append them all, in order. After an ``OSError`` any part of them may be there."""
        ...

    def sync(self) -> None:
        """Return when everything written would survive a power cut. After an ``OSError`` nothing is
        certain, ever.
        """
        ...

    def truncate(self, length: int) -> None:
        """Cut the file to its first ``length`` bytes; the next write follows them."""
        ...

    def close(self) -> None:
        """Let the file go. Does not sync."""
        ...


class Disk(Protocol):
    """A file system. Any thread. Names are certain only after ``sync_directory`` of their folder."""

    def open_append(self, path: Path) -> AppendFile:
        """Open for appending; make the file when there is none."""
        ...

    def read(self, path: Path) -> bytes:
        """The whole file."""
        ...

    def size(self, path: Path) -> int:
        """Length of the file in bytes."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, atomically; a file of that name is replaced."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove the name."""
        ...

    def list(self, directory: Path) -> Sequence[str]:
        """Names in the folder, sorted."""
        ...

    def make_directory(self, directory: Path) -> None:
        """Make the folder and those above it, where missing, for good."""
        ...

    def sync_directory(self, directory: Path) -> None:
        """Return when the names in the folder would survive a power cut."""
        ...

    def free_bytes(self, directory: Path) -> int:
        """Room left for this process on the file system of the folder."""
        ...

    def lock(self, path: Path) -> contextlib.AbstractContextManager[object]:
        """Hold the file for this process until the context is left. ``BlockingIOError`` when another one
        does.
        """
        ...


def replace_file(disk: Disk, path: Path, data: Sequence[Buffer]) -> None:
    """Make ``path`` hold exactly this, durably; whoever looks sees the old content or the new, never a
    mixture.
    """
    draft = path.with_name(path.name + ".tmp")
    with contextlib.suppress(FileNotFoundError):  # what a crash left behind
        disk.unlink(draft)
    with contextlib.closing(disk.open_append(draft)) as file:
        file.write(data)
        file.sync()
    disk.rename(draft, path)
    disk.sync_directory(path.parent)


class _RealFile:
    """An ``AppendFile`` on a descriptor."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def write(self, buffers: Sequence[Buffer]) -> None:
        for start in range(0, len(buffers), _BUFFERS_A_CALL):
            group = buffers[start : start + _BUFFERS_A_CALL]
            done = os.writev(self._descriptor, group)
            if done < sum(map(len, group)):
                self._write_rest(b"".join(group), done)

    def _write_rest(self, whole: bytes, done: int) -> None:
        """After a short write: the rest, or the error that cut it short."""
        rest = memoryview(whole)
        while done < len(whole):
            done += os.write(self._descriptor, rest[done:])

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def truncate(self, length: int) -> None:
        os.ftruncate(self._descriptor, length)

    def close(self) -> None:
        os.close(self._descriptor)


class RealDisk:
    """The operating system's file system (POSIX)."""

    def open_append(self, path: Path) -> AppendFile:
        """Open for appending; make the file when there is none."""
        return _RealFile(path)

    def read(self, path: Path) -> bytes:
        """The whole file."""
        return path.read_bytes()

    def size(self, path: Path) -> int:
        """Length of the file in bytes."""
        return path.stat().st_size

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, atomically; a file of that name is replaced."""
        source.rename(target)

    def unlink(self, path: Path) -> None:
        """Remove the name."""
        path.unlink()

    def list(self, directory: Path) -> Sequence[str]:
        """Names in the folder, sorted."""
        return sorted(entry.name for entry in directory.iterdir())

    def make_directory(self, directory: Path) -> None:
        """Make the folder and those above it, where missing, for good."""
        if directory.is_dir():
            return
        self.make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        self.sync_directory(directory.parent)

    def sync_directory(self, directory: Path) -> None:
        """Return when the names in the folder would survive a power cut."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, directory: Path) -> int:
        """Room left for this process on the file system of the folder."""
        room = os.statvfs(directory)
        return room.f_bavail * room.f_frsize

    def lock(self, path: Path) -> contextlib.AbstractContextManager[object]:
        """Hold the file for this process until the context is left. ``BlockingIOError`` when another one
        does.
        """
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
        return file
