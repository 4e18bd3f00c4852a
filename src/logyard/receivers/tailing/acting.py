"""What is done about what has become of the files: each action of ``rotation.decide``."""

import contextlib

from msgspec.structs import replace

from logyard.clock import Clock
from logyard.receivers.tailing.events import BytesAbandoned, FilesFound, FilesRotated
from logyard.receivers.tailing.followed import Followed
from logyard.receivers.tailing.known import HEAD_BYTES, Known, digest
from logyard.receivers.tailing.naming import is_packed_name
from logyard.receivers.tailing.options import TailOptions
from logyard.receivers.tailing.rotation import Action, Away, Continued, Copied, Found, Kept, Lost, Moved, Renewed
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
        match action:
            case Found(seen):
                self._found(seen, options)
            case Continued(known, seen):
                self._continued(known, seen)
            case Copied(known, seen):
                self._copied(known, seen)
            case _:
                file = self._table.files.get(action.known.serial)
                if file is not None:  # else its place has been taken by what it was a copy of
                    self._act_on(file, action)

    def _act_on(self, file: Followed, action: Kept | Moved | Renewed | Away | Lost) -> None:
        match action:
            case Kept():
                file.is_doubtful = False
            case Moved(_, seen):
                self._moved(file, seen)
            case Renewed(_, seen):
                self._renewed(file, seen)
            case Away():
                self._away(file)
            case Lost(_, cut):
                self._lost(file, cut=cut)

    def _found(self, seen: Seen, options: TailOptions) -> None:
        age = (self._clock.now() - seen.modified) / 1e9
        if options.ignore_older and age > options.ignore_older:
            return
        file = self._table.new(seen)
        self._emit(FilesFound())
        if (options.read_from if self.first else options.new_files) == "tail":
            self._to_end(file)
        self._table.learn_head(file)
        for other in self._table.of_source(seen.path):
            # What lay here before has moved away: it is read first, and its source goes on in this file.
            has_left = other.known.path != seen.path or not other.is_home
            if other is not file and has_left and not other.known.copy_of:
                file.before, file.assembler, file.tally = other, other.assembler, other.tally

    def _moved(self, file: Followed, seen: Seen) -> None:
        home = file.known.source
        self._table.change(file, path=seen.path, home=home if home != seen.path else "")
        self._table.note(file)
        self._emit(FilesRotated(kind="moved"))

    def _renewed(self, before: Followed, seen: Seen) -> None:
        """The file begins anew, and is read after what it held; it is the same file, and so may be its descriptor."""
        home = before.known.source
        file = self._table.new(seen, home=home if home != seen.path else "", learnt=before.known.learnt)
        file.assembler, file.tally, file.before = before.assembler, before.tally, before
        file.is_home = before.is_home
        if before.content is not None and before.known.identity == seen.identity and not before.is_packed:
            file.content, before.content = before.content, None
        before.close()
        before.is_doubtful = True
        self._table.learn_head(file)
        self._table.note(file)
        if before.known.head_bytes:
            self._emit(FilesRotated(kind="truncated"))

    def _continued(self, known: Known, seen: Seen) -> None:
        """The content goes on in another file, or in the same one at another place."""
        held = self._table.copy_at(seen.identity)
        if held is not None and held.known.serial != known.serial:
            self._table.drop(held)
        file = self._table.files.get(known.serial) or self._table.follow(known)
        file.is_doubtful = False
        if seen.identity == known.identity and seen.path == known.path and not known.gone:
            file.is_home = False  # it lies where it lay, out of the patterns
            return
        file.close()
        home = known.source if known.source != seen.path else ""
        file.known = replace(file.known, path=seen.path, device=seen.device, inode=seen.inode)
        self._table.change(
            file,
            home=home,
            gone=0,
            size=seen.size,
            modified=seen.modified,
            finished=False,
            packed=_is_packed(file, seen),
        )
        if known.copy_of:
            self._hold(file)
        file.is_ready = not file.known.finished
        file.changed_at = self._clock.monotonic()
        self._table.learn_head(file)
        self._table.note(file)
        self._emit(FilesRotated(kind="continued"))

    def _copied(self, known: Known, seen: Seen) -> None:
        """Remember it as read: were it read, all of it would be read twice."""
        held = self._table.copy_at(seen.identity)
        if held is not None:
            self._table.drop(held)
        file = self._table.new(seen, copy_of=known.copy_of or known.serial, home=known.source)
        if not self._hold(file):
            self._table.drop(file)  # it cannot be said what it was: the next look will
            return
        # A copy says that its content is another's to be read: nobody may know of the one without the other.
        original = self._table.files.get(file.known.copy_of)
        if original is not None:
            self._learn_head_of(original, file)
            self._table.note(original)
        self._table.note(file)
        self._emit(FilesRotated(kind="copied"))

    def _learn_head_of(self, original: Followed, copy: Followed) -> None:
        """From its copy: the original may have been cut since they were compared."""
        with contextlib.suppress(OSError):
            first = copy.open().read(0, HEAD_BYTES)
            if len(first) > original.known.head_bytes:
                self._table.change(original, head=digest(first), head_bytes=len(first))

    def _hold(self, copy: Followed) -> bool:
        """Seal a copy. While its descriptor is held no file that must be read can get its inode number."""
        copy.is_ready = False
        with contextlib.suppress(OSError):
            content = copy.open()
            if content.status().st_size != copy.known.size:
                return False
            if not content.packed:
                copy.known = copy.after(copy.known.size, version=self._table.version(), skipping=False)
            return self._table.seal(copy)
        return False

    def _away(self, file: Followed) -> None:
        """Read to its end while its descriptor is held."""
        if file.is_home:
            file.is_home = False
            file.changed_at = self._clock.monotonic()

    def _lost(self, file: Followed, *, cut: bool) -> None:
        """Given up."""
        known = file.known
        left = known.size - known.offset
        if left > 0 and not known.finished and not known.packed:
            self._emit(BytesAbandoned(reason="truncated" if cut else "removed", bytes=left))
        self._table.give_up(file)

    def _to_end(self, file: Followed) -> None:
        """Begin behind the last whole line."""
        with contextlib.suppress(OSError):
            content = file.open()
            size = content.status().st_size
            first = max(0, size - _NEWEST)
            end = content.read(first, size - first).rfind(b"\n") + 1
            file.known = file.after(first + end, version=self._table.version(), skipping=not end and first > 0)
            self._table.change(file)


def _is_packed(file: Followed, seen: Seen) -> bool:
    try:
        return file.open().packed
    except OSError:
        return is_packed_name(seen.path)
