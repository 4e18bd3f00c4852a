"""This machine's copy of what the journal holds: segments in the layout of docs/formats/wal.md, for the engine to read.

Not synced, and removed at each start. A segment's number is ``2 * sequence + form`` (0 *lines*, 1 *frames*), with the
sequence of the first message that holds any of it; its token is made of the bytes. Both say the same wherever
the journal is read.
"""

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from logyard.errors import Corrupt
from logyard.model.batch import Batch
from logyard.wal.backlog import Backlog
from logyard.wal.disk import AppendFile, Buffer
from logyard.wal.record import Form, decode
from logyard.wal.remote.replay import Found
from logyard.wal.segment import Segment, SegmentName, scan
from logyard.wal.settings import Site

__all__ = ["Spool", "Taken"]

_FORMS: Final[dict[Form, int]] = {"lines": 0, "frames": 1}


class Taken:
    """Where the segments end in the journal: what may be purged when the readers have passed them."""

    def __init__(self) -> None:
        """Any thread: a deque's ends are safe."""
        self._ends: deque[tuple[int, int]] = deque()

    def add(self, number: int, last: int) -> None:
        """The segments up to ``number`` lie in messages up to ``last``."""
        self._ends.append((number, last))

    def through(self, low: int) -> int:
        """Messages up to here hold nothing that a reader wants whose next segment is ``low``; 0 for none."""
        found = 0
        while self._ends and self._ends[0][0] < low:
            found = self._ends.popleft()[1]
        return found


@dataclass(slots=True)
class _OpenFile:
    segment: Segment
    file: AppendFile
    opened: float
    digest: "blake2b" = field(default_factory=lambda: blake2b(digest_size=16))


class Spool:
    """Belongs to the writer's thread. The methods that write may raise ``OSError``: then nothing has changed."""

    def __init__(self, site: Site, backlog: Backlog, taken: Taken, *, name: str) -> None:
        """``name`` is the journal's: part of every token."""
        self._site = site
        self._backlog = backlog
        self._taken = taken
        self._name = name
        self._open: dict[Form, _OpenFile] = {}

    def filled(self, form: Form) -> tuple[int, int]:
        """Bytes and rows of the open segment."""
        target = self._open.get(form)
        return (target.segment.bytes, target.segment.rows) if target is not None else (0, 0)

    def opened(self) -> float | None:
        """When the oldest open segment was begun, on the monotonic clock; None when none is open."""
        return min((target.opened for target in self._open.values()), default=None)

    def take(self, place: tuple[Form, int], batches: Sequence[Batch], frames: Sequence[Buffer]) -> int:
        """Certain frames, from the message at ``place`` (their form, its sequence), into the open segment.

        The position of the first batch.
        """
        form, sequence = place
        target = self._open.get(form) or self._begin(form, sequence)
        try:
            target.file.write(frames)
        except OSError:
            target.file.truncate(target.segment.bytes)
            raise
        for piece in frames:
            target.digest.update(piece)
        return self._backlog.commit(target.segment, batches, sum(map(len, frames)))

    def replay(self, found: Found) -> int:
        """The same from a journal that is read again; the number of batches. Raises ``Corrupt``."""
        headers = scan(found.frames)
        if headers is None:
            raise Corrupt(f"message {found.sequence} holds no whole frames")
        if headers:
            batches = [decode(found.frames, header, found.form) for header in headers]
            self.take((found.form, found.sequence), batches, [found.frames])
        if found.seals:
            self.seal(found.last)
        return len(headers)

    def seal(self, last: int) -> None:
        """The open segments end with the message ``last``."""
        targets = sorted(self._open.values(), key=lambda target: target.segment.number)
        if targets:
            self._taken.add(targets[-1].segment.number, last)
        for target in targets:
            segment = target.segment
            del self._open[segment.form]
            segment.token = f"{segment.number:020d}.{segment.form}.{self._name}.{target.digest.hexdigest()}"
            with contextlib.suppress(OSError):  # the bytes are written; nobody relies on more
                target.file.close()
            self._backlog.seal(segment)

    def close(self) -> None:
        """Let go of what is open; its content is in the journal."""
        for target in self._open.values():
            target.file.close()
        self._open = {}

    def _begin(self, form: Form, sequence: int) -> _OpenFile:
        name = SegmentName(2 * sequence + _FORMS[form], form, "open")
        path = self._site.directory / str(name)
        segment = Segment(self._site.disk, path, name)
        target = _OpenFile(segment, self._site.disk.open_append(path), self._site.clock.monotonic())
        self._open[form] = target
        self._backlog.begin(segment)
        return target
