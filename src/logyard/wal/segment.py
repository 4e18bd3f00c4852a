"""A segment: a file of frames whose name says its number, its form and its state.

``00000000000000000042.lines.open``: being written. ``.sealed``: complete, never written again, readable
where it lies. ``.corrupt``: remains of segment 42 that failed their checksums, kept until somebody looks.
Numbers rise over both forms.
"""

import re
import threading
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

from logyard.errors import Corrupt, StoreFailed
from logyard.model.batch import Batch, Receipt
from logyard.types import BatchId, LogId
from logyard.wal.disk import Disk, replace_file
from logyard.wal.record import Form, Header, decode, header_at
from logyard.wal.salvage import put_aside, survey

__all__ = ["Segment", "SegmentName", "State", "parse_name"]

State = Literal["open", "sealed", "corrupt"]

_NAME: Final = re.compile(r"(\d{20})\.(lines|frames)\.(open|sealed|corrupt)")


class SegmentName(NamedTuple):
    """What a segment's file name says."""

    number: int
    form: Form
    state: State

    def __str__(self) -> str:
        """The file name: sorts as its number does."""
        return f"{self.number:020d}.{self.form}.{self.state}"


def parse_name(text: str) -> SegmentName | None:
    """The inverse of ``str(SegmentName)``; None for a file that is no segment."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    return SegmentName(int(match[1]), cast("Form", match[2]), cast("State", match[3]))


class Segment:
    """A segment and what is known of it. Read-only for everybody but the log's own threads."""

    def __init__(self, disk: Disk, path: Path, name: SegmentName) -> None:
        """Knows nothing yet: ``extend`` tells it of each frame."""
        self.number = name.number
        self.form: Form = name.form
        self.path = path
        """Where it lies now. An open segment moves when it is sealed, a sealed one never."""
        self.token = ""
        """The same for ever, unlike any other segment's: for the engine's deduplication."""
        self.bytes = 0
        """Length of what can be believed; a file may be longer when the disk refused to cut it."""
        self.rows = 0
        self.first_position = 0
        self.last_position = 0
        self.received = 0
        """Arrival of its oldest batch, nanoseconds."""
        self.keyed = 0
        """Number of keyed batches."""
        self.marks: list[str] = []
        """What receivers said with its batches, in order."""
        self.corrupt = 0
        """Spans of bytes that ``batches`` has found to fail their checksum, and put aside."""
        self._disk = disk
        self._healing = threading.Lock()

    def __repr__(self) -> str:
        return f"<Segment {self.path.name} positions {self.first_position}-{self.last_position}>"

    def batches(self) -> list[Batch]:
        """Every batch that verifies, in order. Raises ``StoreFailed`` when the file cannot be read or
        mended.

        A frame that fails its checksum is left out, counted in ``corrupt``, and moved from the file into
        its ``.corrupt`` neighbour: after this call the file at ``path`` is made of good frames only, so the
        engine may read it. Whoever hands the file to the engine calls this first.
        """
        with self._healing:
            try:
                data = self._disk.read(self.path)
                return self._verified(data)
            except OSError as error:
                raise StoreFailed(f"cannot read {self.path.name}: {error}") from error

    def receipts(self) -> dict[BatchId, Receipt]:
        """What its keyed batches got. Raises ``OSError``."""
        with self._healing:
            data, end = self._disk.read(self.path), self.bytes
        return {
            BatchId(header.batch): Receipt(first=LogId(header.first), rows=header.rows)
            for header in survey(data, min(end, len(data))).good
            if header.keyed
        }

    def _verified(self, data: bytes) -> list[Batch]:
        found = survey(data, min(self.bytes, len(data)))
        good, batches = [], []
        bad = list(found.corrupt)
        for header in found.good:
            try:
                batches.append(decode(data, header, self.form))
                good.append(header)
            except Corrupt:
                bad.append((header.start, header.end))
        if found.torn:
            bad.append((self.bytes - found.torn, self.bytes))
        if bad or len(data) != self.bytes:
            self._mend(data, good, sorted(bad))
        return batches

    def _mend(self, data: bytes, good: list[Header], bad: list[tuple[int, int]]) -> None:
        """Leave only the good frames in the file, and the bad bytes in its neighbour."""
        aside = self.path.with_name(str(SegmentName(self.number, self.form, "corrupt")))
        put_aside(self._disk, aside, b"".join(data[begin:end] for begin, end in bad))
        view = memoryview(data)
        replace_file(self._disk, self.path, [view[header.start : header.end] for header in good])
        self.bytes = sum(header.end - header.start for header in good)
        self.rows = sum(header.rows for header in good)
        self.corrupt += len(bad)


def scan(data: bytes) -> list[Header] | None:
    """The frames of a sealed segment by their headers alone; None when the structure is damaged."""
    headers = []
    at = 0
    while at < len(data):
        try:
            header = header_at(data, at, len(data))
        except Corrupt:
            return None
        headers.append(header)
        at = header.end
    return headers if at == len(data) else None
