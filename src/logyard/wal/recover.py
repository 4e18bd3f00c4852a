"""What a start finds: the directory's listing, made into sealed segments again.

An ``.open`` segment was being written when the process died. Its whole frames are kept, whether or not
their senders were told; a frame cut short at its end is cut off; bytes in its middle that fail their
checksum go into its ``.corrupt`` neighbour. Then it is synced and sealed. Sealed segments are only walked
by their headers, unless these do not hold together. Every step may be cut by another crash: starting again
comes to the same end.
"""

import contextlib
from pathlib import Path

import msgspec

from logyard.wal.backlog import token_of
from logyard.wal.cursor import Cursors
from logyard.wal.disk import replace_file
from logyard.wal.record import Header
from logyard.wal.salvage import Survey, put_aside, survey
from logyard.wal.segment import Segment, SegmentName, parse_name, scan
from logyard.wal.settings import Site

__all__ = ["Recovered", "RecoveryReport", "recover"]


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a start found in the log."""

    segments: int = 0
    batches: int = 0
    rows: int = 0
    bytes: int = 0
    torn_bytes: int = 0
    """Cut off: a write that never finished and was never acknowledged."""
    corrupt_frames: int = 0
    """Places where the bytes failed their checksum: acknowledged records may be lost."""
    corrupt_bytes: int = 0
    quarantined: int = 0
    """Files of corrupt remains that wait for somebody to look at them, from any start."""


class Recovered(msgspec.Struct, frozen=True):
    """The segments, all sealed, in order; the first number that was never used; and the report."""

    segments: list[Segment]
    next_number: int
    report: RecoveryReport


def recover(site: Site, cursors: Cursors) -> Recovered:
    """Bring the directory into order. Raises ``OSError``."""
    names = _tidy(site, cursors.low())
    segments: list[Segment] = []
    torn = corrupt_frames = corrupt_bytes = 0
    for name in names:
        position = segments[-1].last_position if segments else 0
        segment, found = _restore(site, name, position)
        if segment is not None:
            segments.append(segment)
        torn += found.torn
        corrupt_frames += len(found.corrupt)
        corrupt_bytes += sum(end - begin for begin, end in found.corrupt)
    seen = [parsed for parsed in map(parse_name, site.disk.list(site.directory)) if parsed]
    report = RecoveryReport(
        segments=len(segments),
        batches=segments[-1].last_position if segments else 0,
        rows=sum(segment.rows for segment in segments),
        bytes=sum(segment.bytes for segment in segments),
        torn_bytes=torn,
        corrupt_frames=corrupt_frames,
        corrupt_bytes=corrupt_bytes,
        quarantined=sum(name.state == "corrupt" for name in seen),
    )
    used = [0, *(name.number for name in (*seen, *names)), *(number - 1 for number in cursors.all().values())]
    return Recovered(segments, max(used) + 1, report)


def _tidy(site: Site, low: int) -> list[SegmentName]:
    """Remove drafts, what every cursor has passed, and an open file whose sealed successor exists."""
    listing = site.disk.list(site.directory)
    names = [name for name in map(parse_name, listing) if name is not None and name.state != "corrupt"]
    sealed = {name.number for name in names if name.state == "sealed"}
    stale = {name for name in names if name.state == "open" and name.number in sealed}
    keep = [name for name in names if name.number >= low and name not in stale]
    drafts = [name for name in listing if name.endswith(".tmp")]
    for name in (*drafts, *map(str, set(names) - set(keep))):
        with contextlib.suppress(FileNotFoundError):
            site.disk.unlink(site.directory / name)
    return keep


def _restore(site: Site, name: SegmentName, position: int) -> tuple[Segment | None, Survey]:
    """One file made into a sealed segment; None when it holds no whole frame."""
    path = site.directory / str(name)
    data = site.disk.read(path)
    headers = scan(data) if name.state == "sealed" else None
    found = survey(data, len(data)) if headers is None else Survey(headers, [])
    target = site.directory / str(name._replace(state="sealed"))
    if not headers:
        _settle(site, path, target, content=(data, found))
    if not found.good:
        return None, found
    return _described(Segment(site.disk, target, name), found.good, position), found


def _settle(site: Site, path: Path, target: Path, *, content: tuple[bytes, Survey]) -> None:
    """Leave the good frames at ``target``, the corrupt bytes beside it, and nothing at ``path``."""
    data, found = content
    aside = target.with_suffix(".corrupt")
    put_aside(site.disk, aside, b"".join(data[begin:end] for begin, end in found.corrupt))
    if found.corrupt and found.good:
        view = memoryview(data)
        replace_file(site.disk, target, [view[header.start : header.end] for header in found.good])
    if found.good and not found.corrupt:
        with contextlib.closing(site.disk.open_append(path)) as file:
            file.truncate(found.end)
            file.sync()
        if path != target:
            site.disk.rename(path, target)
    elif path != target or not found.good:
        site.disk.unlink(path)
    site.disk.sync_directory(site.directory)


def _described(segment: Segment, headers: list[Header], position: int) -> Segment:
    segment.bytes = sum(header.end - header.start for header in headers)
    segment.rows = sum(header.rows for header in headers)
    segment.first_position = position + 1
    segment.last_position = position + len(headers)
    segment.received = headers[0].received
    segment.token = token_of(segment, headers[0].batch)
    segment.keyed = sum(header.keyed for header in headers)
    segment.marks = [header.mark for header in headers if header.mark]
    return segment
