"""All files of one receiver: looks at the disk, acts on what has happened to them, and reads them in turn.

    look ──► decide (pure) ──► act            discovery and rotation
    gather ──► deliveries ──► done | failed   reading: a round takes at most one read of each file

Synchronous, without a thread of its own: whoever drives it calls one method at a time. A delivery that is ``done`` is
durable: only then its file moves on.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from logyard.receivers.tailing.acting import Acting
from logyard.receivers.tailing.events import FilesDeleted, FileTrouble
from logyard.receivers.tailing.followed import Followed
from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.options import TailOptions
from logyard.receivers.tailing.probing import Neighbourhood, Prober
from logyard.receivers.tailing.rotation import World, decide
from logyard.receivers.tailing.rounds import Delivery, Rounds
from logyard.receivers.tailing.scan import Scanner, Seen
from logyard.receivers.tailing.table import Parts, Table

__all__ = ["Follower"]

_MOST_LOOKS: Final = 3
"""At once, while one raises doubts that the next one may settle."""


class Follower:
    """See the module's text."""

    def __init__(self, options: TailOptions, parts: Parts) -> None:
        """Goes on where the checkpoints say."""
        self._parts = parts
        self._table = Table(parts)
        first = not self._table.files and not self._table.gone
        self._acting = Acting(self._table, parts, first=first)
        self._rounds = Rounds(self._table, parts)
        self._room = 0
        self._has_looked = False
        self.is_waiting = False
        """Files are there of which cannot be said yet whether they must be read: one that is being compressed."""
        self.trouble: dict[str, str] = {}
        """Paths that cannot be followed now, and why."""
        self.reconfigure(options)

    def reconfigure(self, options: TailOptions) -> None:
        """Other settings from the next look on; files that the patterns mean no longer are read to their end."""
        self._options = options
        self._scanner = Scanner(options.include, options.exclude)

    @property
    def files(self) -> Sequence[Followed]:
        """All that are followed."""
        return list(self._table.files.values())

    @property
    def in_doubt(self) -> bool:
        """A look is due: some file does not hold what it held."""
        return any(file.is_doubtful for file in self._table.files.values())

    def look(self) -> None:
        """Find out what has happened on the disk, and act on it."""
        for _ in range(_MOST_LOOKS):
            self._look()
            if not self.in_doubt:
                break
        self._retire()

    def _look(self) -> None:
        scan = self._scanner.scan()
        adrift = self._adrift(scan.files)
        held = {file.known.identity: file.content for file in self.files if file.content is not None}
        prober = Prober(self._parts.opener, held, now=self._parts.clock.now())
        try:
            actions = decide(self._world(scan.files, adrift, prober))
        finally:
            prober.close()
        self._note_trouble({**scan.trouble, **prober.trouble})
        for action in actions:
            self._acting.act(action, self._options)
        self._refresh(scan.files, adrift)
        self.is_waiting = self._waits_for(scan.files)
        self._table.fresh = frozenset()
        self._acting.first = False
        self._has_looked = True

    def poke(self, paths: Iterable[str]) -> bool:
        """These files have been written to; True when that needs a look."""
        by_path = {file.known.path: file for file in self._table.files.values()}
        surprised = False
        for path in paths:
            file = by_path.get(path)
            try:
                seen = Seen.of(path)
            except OSError:
                seen = None
            if file is None or seen is None or seen.identity != file.known.identity or seen.size < file.known.offset:
                surprised = True
            else:
                self._grown(file, seen)
        return surprised

    def gather(self, *, final: bool = False) -> list[Delivery]:
        """See ``Rounds.gather``. Nothing before the first look: what is remembered must have been found again."""
        if not self._has_looked:
            return []
        self._close_some()
        deliveries = self._rounds.gather(self._options, final=final)
        self._close_some()
        return deliveries

    def done(self, delivery: Delivery) -> None:
        """It is durable: reading goes on behind it."""
        self._rounds.done(delivery)

    def failed(self, delivery: Delivery, *, seconds: float) -> None:
        """It was not taken: the same is read again, not before ``seconds``."""
        self._rounds.failed(delivery, seconds)

    def close(self) -> None:
        """Let all descriptors go."""
        for file in self._table.files.values():
            file.close()

    def _waits_for(self, files: Sequence[Seen]) -> bool:
        known = {file.known.identity for file in self.files}
        oldest = self._parts.clock.now() - self._options.ignore_older * 1e9 if self._options.ignore_older else 0.0
        new = (seen for seen in files if seen.identity not in known)
        return any(seen.size and seen.modified >= oldest and seen.path not in self.trouble for seen in new)

    def _adrift(self, files: Sequence[Seen]) -> list[Seen]:
        """Files that only their descriptors lead to."""
        here = {seen.identity for seen in files}
        adrift = []
        for file in self.files:
            if file.content is not None and file.known.identity not in here:
                try:
                    status = file.content.status()
                except OSError:
                    file.close()  # a handle that the server does not know any more
                else:
                    adrift.append(Seen(file.known.path, *file.known.identity, status.st_size, status.st_mtime_ns))
        return adrift

    def _world(self, files: Sequence[Seen], adrift: Sequence[Seen], prober: Prober) -> World:
        table = self._table
        return World(
            files=files,
            adrift=adrift,
            known=[*(file.known for file in table.files.values()), *table.gone.values()],
            fresh=table.fresh,
            held=frozenset(serial for serial, file in table.files.items() if file.content is not None),
            certain=self._is_certain,
            doubtful=frozenset(serial for serial, file in table.files.items() if file.is_doubtful),
            neighbours=Neighbourhood().of,
            is_itself=prober.is_itself,
            carries=prober.carries,
            repeats=prober.repeats,
        )

    def _is_certain(self, known: Known, seen: Seen) -> bool:
        """Nothing about it has changed, or its descriptor keeps its inode number from being used anew. While this
        process follows it, a file that has grown in its place is taken for the same: reading it will tell, if anything
        is known that could.
        """
        if (seen.path, seen.size, seen.modified) == (known.path, known.size, known.modified):
            return True
        if known.finished:
            return False
        if self._table.files[known.serial].content is not None:
            return True
        if known.serial in self._table.fresh or not known.head_bytes:
            return False
        return seen.path == known.path and seen.size >= known.size

    def _refresh(self, files: Sequence[Seen], adrift: Sequence[Seen]) -> None:
        """Sizes and places as they are now."""
        at_home = {seen.identity: seen for seen in files}
        away = {seen.identity: seen for seen in adrift}
        self._room = self._options.open_files - sum(file.content is not None for file in self.files)
        for file in self.files:
            seen = at_home.get(file.known.identity)
            if seen is not None:
                file.is_home = True
                self._grown(file, seen)
            elif file.known.identity in away:
                self._grown(file, away[file.known.identity])

    def _grown(self, file: Followed, seen: Seen) -> None:
        known = file.known
        if seen.size == known.size and seen.modified == known.modified:
            return
        if known.finished and (known.copy_of or seen.size == known.size):
            file.known = msgspec.structs.replace(known, modified=seen.modified)
            return
        if file.is_packed:
            file.close()  # its stream goes on, or is another
        file.known = msgspec.structs.replace(known, size=seen.size, modified=seen.modified, finished=False, seal="")
        file.changed_at = self._parts.clock.monotonic()
        file.is_ready = True
        was_open = file.content is not None
        if not file.busy and not self._table.learn_head(file):
            file.is_doubtful = True
        elif not was_open and file.content is not None:
            self._room -= 1
            if self._room < 0 and file.is_home:
                file.close()  # a look at ten thousand new files must not hold them all

    def _retire(self) -> None:
        """Let go of files that are read and away, of descriptors beyond the limit, of memories of long ago."""
        now = self._parts.clock.monotonic()
        for file in self.files:
            idle = now - file.changed_at
            if file.busy or file.is_ready or file.is_doubtful:
                continue
            if not file.is_home and idle >= self._options.rotate_wait and file.is_read:
                self._table.give_up(file)
            elif self._options.delete_after and idle >= self._options.delete_after and file.is_read:
                self._delete(file)
        self._close_some()
        self._table.forget()

    def _delete(self, file: Followed) -> None:
        if file.known.size and not file.known.copy_of:
            with contextlib.suppress(OSError):
                os.unlink(file.known.path)  # noqa: PTH108 - a string, like all paths here
                self._parts.emit(FilesDeleted())

    def _close_some(self) -> None:
        """The least busy first; not those that are away: they would not be found again."""
        opened = [file for file in self.files if file.content is not None and file.is_home and not file.busy]
        excess = max(0, len(opened) - self._options.open_files)
        for file in sorted(opened, key=lambda file: file.changed_at)[:excess]:
            file.close()

    def _note_trouble(self, found: Mapping[str, str]) -> None:
        for path, reason in found.items():
            if self.trouble.get(path) != reason:
                self._parts.emit(FileTrouble(reason=reason))
        self.trouble = dict(found)
