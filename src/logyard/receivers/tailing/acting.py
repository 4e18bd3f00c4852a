"""What is done about what has become of the files: each action of ``rotation.decide``."""

import contextlib

from logyard.clock import Clock
from logyard.receivers.tailing.events import BytesAbandoned, FilesFound, FilesRotated
from logyard.receivers.tailing.followed import ChangedUnderneath, Followed
from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.options import TailOptions
from logyard.receivers.tailing.probing import Neighbourhood, Prober
from logyard.receivers.tailing.rotation import (
    Action,
    Continued,
    Copied,
    Found,
    Lost,
    Moved,
    Truncated,
    World,
    find_rest,
)
from logyard.receivers.tailing.scan import Seen
from logyard.receivers.tailing.table import Parts, Table

__all__ = ["Acting"]

_NEWEST = 1 << 16


class Acting:
    """Changes the table. ``first`` is set as long as nothing has ever been followed here."""

    def __init__(self, table: Table, parts: Parts, *, first: bool) -> None:
        self._table = table
        self._emit = parts.emit
        self._clock: Clock = parts.clock
        self.first = first

    def act(self, action: Action, options: TailOptions) -> None:
        """Do what it takes."""
        if not isinstance(action, Found | Copied | Continued) and action.known.serial not in self._table.files:
            return  # an action before this one has settled it
        match action:
            case Found(seen):
                self._found(seen, options)
            case Moved(known, seen):
                self._moved(self._table.files[known.serial], seen)
            case Truncated(known, seen, rest):
                self.truncated(self._table.files[known.serial], seen, rest)
            case Copied(known, seen):
                self._copied(known, seen)
            case Continued(known, seen):
                self._continued(known, seen)
            case Lost(known):
                self.lost(self._table.files[known.serial])

    def _found(self, seen: Seen, options: TailOptions) -> None:
        age = (self._clock.now() - seen.modified) / 1e9
        if options.ignore_older and age > options.ignore_older:
            return
        file = self._table.new(seen)
        self._emit(FilesFound())
        if (options.read_from if self.first else options.new_files) == "tail":
            self._to_end(file)
        for other in self._table.files.values():
            # What lay here before has moved away: it is read first, and its source goes on in this file.
            has_left = other.known.path != seen.path or not other.is_home
            if other is not file and other.known.source == seen.path and has_left and not other.known.copy_of:
                file.before, file.assembler, file.tally = other, other.assembler, other.tally

    def _moved(self, file: Followed, seen: Seen) -> None:
        home = file.known.source
        self._table.change(file, path=seen.path, home=home if home != seen.path else "")
        self._table.note(file)
        self._emit(FilesRotated(kind="moved"))

    def truncated(self, file: Followed, seen: Seen, rest: Seen | None) -> None:
        """It begins anew; what was not read of it yet is read from the copy first."""
        file.close()
        self._begin_anew(file, seen, rest)

    def _begin_anew(self, file: Followed, seen: Seen, rest: Seen | None) -> None:
        known, before = file.known, None
        if rest is not None:
            before = self._rest(rest, known)
        elif known.size > known.offset:
            self._emit(BytesAbandoned(reason="truncated", bytes=known.size - known.offset))
        # A number of its own for the new content: marks of the old one may still be on their way.
        self._table.change(file, path=seen.path, device=seen.device, inode=seen.inode, **_ANEW)
        file.before, file.is_ready = before, True
        file.modified = 0
        self._table.change(file, size=seen.size)
        self._table.learn_head(file)
        self._table.note(file, *([] if before is None else [before]))
        self._emit(FilesRotated(kind="truncated"))

    def _rest(self, seen: Seen, known: Known) -> Followed:
        """The file ``seen``, to be read from where ``known`` has come to."""
        place = {name: getattr(known, name) for name in _PLACE}
        home = known.source if known.source != seen.path else ""
        file = self._table.copy_at(seen.identity)
        if file is None:
            file = self._table.new(seen, home=home, **place)
        else:
            self._table.change(file, home=home, copy_of=0, finished=False, **place)
        self._table.change(file, size=seen.size)
        self._table.learn_head(file)
        file.is_ready = True
        file.changed_at = self._clock.monotonic()
        return file

    def _copied(self, known: Known, seen: Seen) -> None:
        """Remember it as read: were it read, all of it would be read twice."""
        file = self._table.new(seen, copy_of=known.serial, finished=True, size=seen.size, home=known.source)
        file.is_ready = False
        with contextlib.suppress(OSError):
            file.open()  # while it is held, no file that must be read can get its inode number
        self._table.note(file)
        self._emit(FilesRotated(kind="copied"))

    def _continued(self, known: Known, seen: Seen) -> None:
        """The same content under another inode."""
        held = self._table.copy_at(seen.identity)
        if held is not None and held.known.serial != known.serial:
            self._table.drop(held)
        file = self._table.files.get(known.serial) or self._table.follow(known)
        if seen.identity == known.identity and seen.path == known.path:
            file.is_home = False  # it lies where it lay, out of the patterns
            return
        file.close()
        home = known.source if known.source != seen.path else ""
        self._table.change(
            file, path=seen.path, device=seen.device, inode=seen.inode, home=home, gone=0, size=seen.size
        )
        self._table.learn_head(file)
        file.is_ready = True
        file.changed_at = self._clock.monotonic()
        self._table.note(file)
        self._emit(FilesRotated(kind="continued"))

    def lost(self, file: Followed) -> None:
        """No longer where it was: read to its end while its descriptor is open, given up when it is not."""
        if file.is_home:
            file.is_home = False
            file.changed_at = self._clock.monotonic()
        if file.content is not None or file.busy:
            return
        left = file.known.size - file.known.offset
        if left > 0 and not file.known.finished:
            self._emit(BytesAbandoned(reason="removed", bytes=left))
        self._table.give_up(file)

    def replaced(self, file: Followed) -> None:
        """The bytes before the offset are others: it was cut and filled again, or the inode is another file's now."""
        try:
            seen = Seen.of(file.known.path)
        except OSError:
            seen = None
        if seen is not None and seen.identity == file.known.identity:
            self.truncated(file, seen, self._rest_of(file.known))
        elif file.content is not None:
            # It has been moved as well, and the next look will find out where: until then its descriptor leads there.
            now = file.content.status()
            here = Seen(file.known.path, *file.known.identity, now.st_size, now.st_mtime_ns)
            self._begin_anew(file, here, self._rest_of(file.known))
        else:
            self.lost(file)

    def _rest_of(self, known: Known) -> Seen | None:
        """The copy beside it that holds what it does not hold any more."""
        prober = Prober({})
        all_known = [*(each.known for each in self._table.files.values()), *self._table.gone.values()]
        nobody: frozenset[int] = frozenset()
        owned = frozenset(each.known.identity for each in self._table.files.values() if each.is_home)
        world = World((), all_known, nobody, nobody, owned, Neighbourhood().of, prober.carries, prober.repeats)
        try:
            return find_rest(known, (), world)
        finally:
            prober.close()

    def _to_end(self, file: Followed) -> None:
        """Begin behind the last whole line."""
        with contextlib.suppress(OSError, ChangedUnderneath):
            content = file.open()
            size = content.status().st_size
            first = max(0, size - _NEWEST)
            end = content.read(first, size - first).rfind(b"\n") + 1
            after = file.after(first + end, version=self._table.version(), skipping=not end and first > 0)
            file.known = after
            self._table.change(file)


_PLACE = ("offset", "head", "head_bytes", "tail", "tail_bytes", "encoding", "skipping", "learnt")
_ANEW = {
    "offset": 0,
    "head": "",
    "head_bytes": 0,
    "tail": "",
    "tail_bytes": 0,
    "encoding": "",
    "skipping": False,
    "size": 0,
}
