"""Questions to the content of files, for deciding what has become of them; a look asks each file once."""

import contextlib
import os
from collections.abc import Mapping, Sequence

from logyard.receivers.tailing.content import Content, Unfinished, open_content
from logyard.receivers.tailing.known import HEAD_BYTES, TAIL_BYTES, Known, digest
from logyard.receivers.tailing.scan import Seen

__all__ = ["Neighbourhood", "Prober"]


class Prober:
    """Lives for one look. Answers are those of ``rotation.Probe``."""

    def __init__(self, held: Mapping[int, Content | None]) -> None:
        """``held``: descriptors that are open already, by serial."""
        self._held = held
        self._opened: dict[tuple[int, int], Content | None] = {}

    def close(self) -> None:
        """Let go of what was opened."""
        for content in self._opened.values():
            if content is not None:
                content.close()

    def carries(self, known: Known, seen: Seen) -> bool | None:
        """Whether the file has the known one's head, and the bytes before its offset."""
        content = self._open(seen.path, seen.identity)
        if content is None:
            return False
        try:
            if digest(content.read(0, known.head_bytes)) != known.head:
                return False
            return digest(content.read(known.offset - known.tail_bytes, known.tail_bytes)) == known.tail
        except Unfinished:
            return None
        except OSError:
            return False

    def repeats(self, known: Known, seen: Seen) -> bool | None:
        """Whether all that the file holds is what the known one holds now."""
        copy, original = self._open(seen.path, seen.identity), self._of(known)
        if copy is None or original is None:
            return False
        try:
            first = copy.read(0, HEAD_BYTES)
            if not first or original.read(0, len(first)) != first:
                return False
            if copy.packed:
                return self._is_packed_copy(known, copy)
            start = max(0, seen.size - TAIL_BYTES)
            return original.read(start, seen.size - start) == copy.read(start, seen.size - start)
        except Unfinished:
            return None
        except OSError:
            return False

    def _is_packed_copy(self, known: Known, copy: Content) -> bool | None:
        return digest(copy.read(known.offset - known.tail_bytes, known.tail_bytes)) == known.tail

    def _of(self, known: Known) -> Content | None:
        return self._held.get(known.serial) or self._open(known.path, known.identity)

    def _open(self, path: str, identity: tuple[int, int]) -> Content | None:
        """None for what cannot be opened, or is another file by now."""
        if identity not in self._opened:
            self._opened[identity] = None
            with contextlib.suppress(OSError):
                content = open_content(path)
                status = content.status()
                if (status.st_dev, status.st_ino) == identity:
                    self._opened[identity] = content
                else:
                    content.close()
        return self._opened[identity]


class Neighbourhood:
    """Files by directory, listed once a look."""

    def __init__(self) -> None:
        self._listed: dict[str, Sequence[Seen]] = {}

    def of(self, path: str) -> Sequence[Seen]:
        """All regular files in the directory of ``path``."""
        directory = path.rpartition("/")[0]
        if directory not in self._listed:
            self._listed[directory] = _list(directory)
        return self._listed[directory]


def _list(directory: str) -> list[Seen]:
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(directory or "/"):  # noqa: PTH208 - strings, like all paths here
            with contextlib.suppress(OSError):
                seen = Seen.of(f"{directory}/{name}")
                found += [] if seen is None else [seen]
    return found
