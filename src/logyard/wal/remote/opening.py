"""A log on a journal: claim it, replay what it holds into a fresh spool, then write."""

import contextlib
from pathlib import Path
from typing import Final

from logyard.clock import Clock
from logyard.errors import Corrupt, StoreFailed
from logyard.wal.backlog import Backlog
from logyard.wal.disk import Disk
from logyard.wal.intake import Intake
from logyard.wal.log import Parts, Wal, WalSettings
from logyard.wal.recover import RecoveryReport
from logyard.wal.remote.cursors import RemoteCursors
from logyard.wal.remote.journal import Journal
from logyard.wal.remote.replay import Replay
from logyard.wal.remote.spool import Spool, Taken
from logyard.wal.remote.writer import Line, RemoteWriter
from logyard.wal.segment import parse_name
from logyard.wal.settings import Site

__all__ = ["open_remote"]

_CLOSE_SECONDS: Final = 10.0


def open_remote(journal: Journal, directory: Path, *, settings: WalSettings, disk: Disk, clock: Clock) -> Wal:
    """A ``Wal`` whose batches are durable when the journal has them; ``directory`` gets the spool.

    Raises ``StoreFailed``: the journal cannot be had, or another process uses the directory.
    """
    site = Site(directory, settings, disk, clock)
    links, lock = contextlib.ExitStack(), contextlib.ExitStack()
    try:
        links.callback(journal.close)
        disk.make_directory(directory)
        lock.enter_context(disk.lock(directory / "lock"))
        return Wal(_parts(site, journal, lock=lock, links=links))
    except BlockingIOError as error:
        links.close()
        raise StoreFailed(f"another process uses the spool in {directory}") from error
    except OSError as error:
        lock.close()
        links.close()
        raise StoreFailed(f"cannot make the spool in {directory}: {error}") from error
    except BaseException:
        lock.close()
        links.close()
        raise


def _parts(site: Site, journal: Journal, *, lock: contextlib.ExitStack, links: contextlib.ExitStack) -> Parts:
    _clear(site)
    taken = Taken()
    intake = Intake(site.settings.max_pending_bytes)
    cursors = RemoteCursors(journal, taken)
    links.callback(cursors.close, _CLOSE_SECONDS)
    backlog = Backlog(site, cursors, [])
    spool = Spool(site, backlog, taken, name=journal.name)
    writer = RemoteWriter(site, journal, Line(backlog, intake, spool))
    cursors.begin(writer.span.last)
    report = _replayed(journal, writer, spool, backlog=backlog)
    backlog.discard_passed()
    return Parts(
        site=site,
        backlog=backlog,
        intake=intake,
        writer=writer,
        recovery=report,
        lock=lock,
        links=links,
    )


def _clear(site: Site) -> None:
    """Remove what another process has left: the journal knows better."""
    for name in site.disk.list(site.directory):
        if name.endswith(".tmp") or ((parsed := parse_name(name)) is not None and parsed.state != "corrupt"):
            site.disk.unlink(site.directory / name)


def _replayed(journal: Journal, writer: RemoteWriter, spool: Spool, *, backlog: Backlog) -> RecoveryReport:
    """Everything the journal holds, in the spool. Raises ``StoreFailed``, ``OSError``."""
    replay = Replay()
    batches = size = corrupt = 0
    for found in replay.run(journal.read(writer.span)):
        try:
            batches += spool.replay(found)
        except Corrupt:
            corrupt += 1
        size += len(found.frames)
    contents = backlog.contents()
    return RecoveryReport(
        segments=contents.segments,
        rows=contents.rows,
        batches=batches,
        bytes=size,
        torn_bytes=replay.torn,
        corrupt_frames=replay.corrupt + corrupt,
    )
