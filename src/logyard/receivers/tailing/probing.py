"""Questions to the content of files, for deciding what has become of them; a look asks each file once.

An answer is None when it cannot be given now: a compressed file that is still being written, a file that cannot be
opened. Whoever asks then waits for the next look, for both a loss and a repetition may be the price of a guess. Of a
compressed file that is damaged, and will not be written on, the part before the damage must do.
"""

import contextlib
import os
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final

from logyard.receivers.tailing.content import Content, Opener, Unfinished
from logyard.receivers.tailing.known import HEAD_BYTES, TAIL_BYTES, Known, digest
from logyard.receivers.tailing.naming import name_start
from logyard.receivers.tailing.scan import Seen

__all__ = ["Neighbourhood", "Prober", "seal_of"]

_BEING_WRITTEN: Final = 60_000_000_000
"""Nanoseconds after its last change for which a compressed file without its end is taken for one that will get it."""

_SETTLES: Final = 1_000_000_000
"""Likewise, for which it is not asked at all."""


class Prober:
    """Lives for one look. Answers are those of ``rotation.World``."""

    def __init__(self, opener: Opener, held: Mapping[tuple[int, int], Content], *, now: int) -> None:
        """``held``: descriptors that are open already, by device and inode. ``now``: nanoseconds since 1970."""
        self._open_content = opener
        self._held = held
        self._now = now
        self._opened: dict[tuple[int, int], Content | OSError] = {}
        self.trouble: dict[str, str] = {}
        """Paths that could not be opened, and why."""

    def close(self) -> None:
        """Let go of what was opened."""
        for content in self._opened.values():
            if not isinstance(content, OSError):
                content.close()

    def is_itself(self, known: Known, seen: Seen) -> bool | None:
        """Whether the file lies as it was sealed; of one that was not, or has grown, whether it carries the content."""
        if known.finished and not known.seal:
            return seen.size == known.size  # an older version remembered no more
        if known.finished:
            sealed = self._ask(lambda: seal_of(self._open(seen)) == (known.seal, known.size))
            if sealed is not False or known.copy_of:
                return sealed
        return self.carries(known, seen)

    def carries(self, known: Known, seen: Seen) -> bool | None:
        """Whether the file has the content's head, and the bytes before its offset; not when nothing is known of it."""
        return self._ask(lambda: known.head_bytes > 0 and self._carries(known, seen))

    def repeats(self, known: Known, here: Seen, seen: Seen) -> bool | None:
        """Whether all that the file ``seen`` holds is what the content, which lies ``here``, holds now."""
        return self._ask(lambda: self._repeats(known, here, seen))

    def _carries(self, known: Known, seen: Seen) -> bool:
        content = self._settled(seen)
        if digest(content.read(0, known.head_bytes)) != known.head:
            return self._surely(content, seen)
        with contextlib.suppress(Unfinished):
            if digest(content.read(known.offset - known.tail_bytes, known.tail_bytes)) == known.tail:
                return True
        # Of a file that is damaged before the offset, all that can be read has been read.
        return self._surely(content, seen) or content.unfinished

    def _repeats(self, known: Known, here: Seen, seen: Seen) -> bool:
        copy, original = self._settled(seen), self._open(here)
        first = copy.read(0, HEAD_BYTES)
        if not first or original.read(0, len(first)) != first:
            return self._surely(copy, seen)
        if not copy.packed:
            return _end(original, seen.size) == _end(copy, seen.size)
        if original.packed and not known.offset:
            return seal_of(original) == seal_of(copy)
        with contextlib.suppress(Unfinished):
            if not original.packed and _end(original, here.size) == _end(copy, here.size):
                return True
        self._surely(copy, seen)
        # The original may have grown since: what has been read of it must be there.
        return known.offset > 0 and self._carries(known, seen)

    def _settled(self, seen: Seen) -> Content:
        """Its content. One that is being compressed this very moment is not taken apart at every look."""
        content = self._open(seen)
        if content.packed and 0 <= self._now - seen.modified < _SETTLES:
            raise Unfinished("it is being written")
        return content

    def _surely(self, content: Content, seen: Seen) -> bool:
        """No, unless it may be yes when the file is complete: raises ``Unfinished`` then."""
        if content.unfinished and self._now - seen.modified < _BEING_WRITTEN:
            raise Unfinished("it is being written")
        return False

    def _ask(self, question: Callable[[], bool]) -> bool | None:
        try:
            return question()
        except FileNotFoundError:
            return False
        except OSError:
            return None

    def _open(self, seen: Seen) -> Content:
        """Raises ``OSError``; ``FileNotFoundError`` for what is another file by now."""
        found: Content | OSError | None = self._opened.get(seen.identity)
        if found is None:
            found = self._held.get(seen.identity) or self._newly(seen)
        if isinstance(found, OSError):
            raise found
        return found

    def _newly(self, seen: Seen) -> Content | OSError:
        found: Content | OSError
        try:
            found = self._open_content(seen.path)
            status = found.status()
            if (status.st_dev, status.st_ino) != seen.identity:
                found.close()
                found = FileNotFoundError(2, "another file lies there now", seen.path)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self.trouble[seen.path] = error.strerror or str(error)
            found = error
        self._opened[seen.identity] = found
        return found


def seal_of(content: Content) -> tuple[str, int]:
    """The hash of the first and last bytes as they lie, and how many there are. Raises ``OSError``."""
    size = content.status().st_size
    return digest(content.stored(0, HEAD_BYTES) + content.stored(max(0, size - TAIL_BYTES), TAIL_BYTES)), size


def _end(content: Content, size: int) -> bytes:
    """The last bytes of the first ``size``."""
    start = max(0, size - TAIL_BYTES)
    return content.read(start, size - start)


class Neighbourhood:
    """Files beside a known one; each directory is listed once a look."""

    def __init__(self) -> None:
        self._listed: dict[str, _Directory] = {}

    def of(self, known: Known) -> Sequence[Seen]:
        """Regular files in its directory that have its inode number, or whose names begin as its own does."""
        directory = known.path.rpartition("/")[0]
        if directory not in self._listed:
            self._listed[directory] = _Directory(_list(directory))
        return self._listed[directory].beside(known)


class _Directory:
    def __init__(self, files: Sequence[Seen]) -> None:
        self._files = sorted(files)
        self._paths = [seen.path for seen in self._files]
        self._by_inode = {seen.inode: seen for seen in files}

    def beside(self, known: Known) -> Sequence[Seen]:
        start = name_start(known.path)
        first = bisect_left(self._paths, start)
        found = []
        for seen in islice(self._files, first, None):
            if not seen.path.startswith(start):
                break
            found.append(seen)
        same = self._by_inode.get(known.inode)
        return found if same is None or same in found else [same, *found]


def _list(directory: str) -> list[Seen]:
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(directory or "/"):  # noqa: PTH208 - strings, like all paths here
            with contextlib.suppress(OSError):
                seen = Seen.of(f"{directory}/{name}")
                found += [] if seen is None else [seen]
    return found
