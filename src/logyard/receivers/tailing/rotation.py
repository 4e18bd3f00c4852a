"""What became of the contents that are followed: a decision over what is known and what a look at the disk found. Pure.

Rotation comes in these ways, and each leaves its own trace:

    renamed        the file has another name, and the old name is a new file's: both are followed
    copied, cut    (copytruncate) a new file ``app.log.1`` holds what ``app.log`` held, and ``app.log`` has begun anew:
                   what was unread is in the copy
    compressed     the file is gone, and a new one, ``app.log.1.gz``, holds the same content
    reused         an inode number belongs to another file now: it holds another content

All of them are one question: *which file holds which content?* It is asked in this order:

    1. placed      a content lies where it lay, if its descriptor is held or its file has not changed. Whenever that is
                   not so the file is asked whether it still holds it; one that does not has begun anew
    2. doubted     so is every file of whose name a newcomer's name is made: the content may have gone there
    3. inherited   a content that lies nowhere any more goes on in the file that carries it: under its inode number in
                   another place, under a name made from its name, or (after a restart) under its old name
    4. newcomers   a file that holds no known content is a copy of one that lies elsewhere, or comes back with one that
                   was given up, or is new

Names decide only where content cannot: a file is compared with another only when its name is made from that one's
name, so that two small files that happen to begin alike stay two files. Where an answer cannot be given now nothing is
done, and the next look asks again. Where it never can (docs/adr/0007-file-identity.md has the cases) a file is read
rather than left out: a line that is there twice can be seen, a lost one cannot.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from logyard.receivers.tailing.known import HEAD_BYTES, Known
from logyard.receivers.tailing.naming import Names, is_named_after, is_packed_name, is_rotated_name
from logyard.receivers.tailing.scan import Seen

__all__ = ["Action", "Away", "Continued", "Copied", "Found", "Kept", "Lost", "Moved", "Renewed", "World", "decide"]


class Moved(NamedTuple):
    """The content's file has another name."""

    known: Known
    seen: Seen


class Kept(NamedTuple):
    """The content was doubtful, and is where it was."""

    known: Known


class Renewed(NamedTuple):
    """A file in which the known content lay has begun anew. What becomes of the content is another action."""

    known: Known
    seen: Seen


class Continued(NamedTuple):
    """The content lies in another file now: reading goes on there."""

    known: Known
    seen: Seen


class Away(NamedTuple):
    """The content's file is in no place where it was looked for, but its descriptor is held."""

    known: Known


class Lost(NamedTuple):
    """The content lies nowhere any more."""

    known: Known
    cut: bool
    """Its file is there, and has begun anew."""


class Copied(NamedTuple):
    """A file repeats what lies elsewhere: nothing to read, unless the content there is cut."""

    known: Known
    seen: Seen


class Found(NamedTuple):
    """A file that nobody has seen before."""

    seen: Seen


Action = Kept | Moved | Renewed | Continued | Away | Lost | Copied | Found
Probe = Callable[[Known, Seen], bool | None]


class World(NamedTuple):
    """What a decision is made of. The answers of the last three may be None: not to be said now."""

    files: Sequence[Seen]
    """What the patterns mean now."""
    adrift: Sequence[Seen]
    """What else is held by a descriptor, under the name that it had."""
    known: Sequence[Known]
    """All contents that are followed, and those that were given up lately."""
    fresh: frozenset[int]
    """Serials of those that this process has not looked for yet: device and inode numbers may have changed."""
    held: frozenset[int]
    """Serials of those whose descriptor is open: their inode numbers cannot have been used anew."""
    certain: Callable[[Known, Seen], bool]
    """Whether the file with the content's device and inode seems to be that in which it lay, and need not be asked."""
    doubtful: frozenset[int]
    """Serials of contents whose files must be asked, also where they are certainly the files that they were."""
    neighbours: Callable[[Known], Sequence[Seen]]
    """Files in the directory where it lay that have its inode number, its name, or one that begins as it does; whether
    the patterns mean them or not.
    """
    is_itself: Probe
    """Whether the file is what the content was read from: it carries it, or lies as it was sealed."""
    carries: Probe
    """Whether the file has the content's head, and the bytes before its offset."""
    repeats: Callable[[Known, Seen, Seen], bool | None]
    """Whether all that the second file holds is what the content holds, which lies in the first."""


def decide(world: World) -> list[Action]:
    """What has happened, in an order in which it can be acted on."""
    return list(_Decision(world).actions())


class _Decision:
    """One look."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.serials = {known.serial: known for known in world.known}
        self.followed = sorted((known for known in world.known if not known.gone), key=self._rank)
        self.gone: dict[str, list[Known]] = {}
        for known in world.known:
            if known.gone:
                self.gone.setdefault(known.path, []).append(known)
        self.adrift = frozenset(seen.identity for seen in world.adrift)
        self.place: dict[int, Seen] = {}
        """Where a content lies, by serial."""
        self.holder: dict[tuple[int, int], Known] = {}
        """The same, by device and inode."""
        self.left: dict[int, Seen] = {}
        """Files that contents lay in, and that do not hold them any more."""
        self.cut: set[tuple[int, int]] = set()
        """Those of them that are certainly the same files: they have begun anew."""
        self.new: dict[tuple[int, int], Seen] = {}
        """Files that hold no known content."""
        self.undecided: set[int] = set()
        """Contents that may lie in a file that cannot be asked now."""
        self.unclear: set[tuple[int, int]] = set()
        """Such files."""

    def actions(self) -> Iterator[Action]:
        self._find_places()
        self._doubt()
        yield from [Kept(known) for known, _ in self._placed() if known.serial in self.world.doubtful]
        yield from [Moved(known, seen) for known, seen in self._placed() if seen.path != known.path]
        away = [Away(known) for known, seen in self._placed() if seen.identity in self.adrift]
        ends = list(self._endings())
        newcomers = list(self._newcomers())
        # A file that begins anew takes over the descriptor of what it held: before that one goes on elsewhere.
        yield from (action for action in newcomers if isinstance(action, Renewed))
        yield from ends
        yield from away
        yield from (action for action in newcomers if not isinstance(action, Renewed))

    def _rank(self, known: Known) -> tuple[int, bool]:
        """Of two contents that a file may hold, the one that says more about it comes first: the one that was read
        farther. A copy comes after what it repeats, which may have to be read on in it.
        """
        of = self.serials.get(known.copy_of, known)
        return -of.offset, known.finished

    def _placed(self) -> Iterator[tuple[Known, Seen]]:
        return ((known, self.place[known.serial]) for known in self.followed if known.serial in self.place)

    def _find_places(self) -> None:
        claims: dict[tuple[int, int], list[Known]] = {}
        for known in self.followed:
            claims.setdefault(known.identity, []).append(known)
        for seen in (*self.world.files, *self.world.adrift):
            owner = next((known for known in claims.get(seen.identity, ()) if self._lies_in(known, seen)), None)
            if owner is not None:
                self._put(owner, seen)
            elif seen.identity not in self.unclear:
                self.new[seen.identity] = seen

    def _put(self, known: Known, seen: Seen) -> None:
        self.place[known.serial] = seen
        self.holder[seen.identity] = known

    def _lies_in(self, known: Known, seen: Seen) -> bool:
        """Of an empty file that was empty before only the name can say whether it is the same."""
        certain = self.world.certain(known, seen)
        if certain and known.serial not in self.world.doubtful and not _is_shorter(known, seen):
            return True
        if not known.head_bytes and not known.finished:
            lies = not seen.size and (certain or seen.path == known.path)
        else:
            answer = self.world.is_itself(known, seen)
            if answer is None and not certain and seen.path != known.path:
                # Under another name the number alone says nothing: the next look will ask again.
                self.undecided.add(known.serial)
                self.unclear.add(seen.identity)
                return False
            lies = answer is not False
        if not lies and (certain or is_named_after(seen.path, known.path)):
            self._leave(known, seen)
        return lies

    def _leave(self, known: Known, seen: Seen) -> None:
        """A copy is left by its content when it grows: that is no cut."""
        self.left[known.serial] = seen
        if known.serial in self.world.held and not known.finished:
            self.cut.add(seen.identity)

    def _doubt(self) -> None:
        """Where a newcomer has a name that is made from a file's name that file is asked, however certain it seemed: it
        may have been cut and be as long again, and then the newcomer is another's copy.
        """
        if not self.new:
            return
        names = Names([known for known in self.followed if known.serial in self.place and known.head_bytes])
        doubtful = {known.serial: known for seen in self.new.values() for known in names.related(seen.path)}
        for serial, known in doubtful.items():
            here = self.place[serial]
            if self.world.is_itself(known, here) is False:
                del self.place[serial], self.holder[here.identity]
                self.new[here.identity] = here
                self._leave(known, here)

    def _endings(self) -> Iterator[Action]:
        """What becomes of contents that are in no place any more."""
        for known in self.followed:
            if known.serial in self.place:
                continue
            heir = self._heir(known)
            if heir is not None:
                self._put(known, heir)
                self.new.pop(heir.identity, None)
                yield Continued(known, heir)
            elif known.serial not in self.undecided:
                yield Lost(known, cut=known.serial in self.left)

    def _heir(self, known: Known) -> Seen | None:
        for seen, probe in self._candidates(known):
            answer = probe(known, seen)
            if answer:
                return seen
            if answer is None:
                self.undecided.add(known.serial)
        return None

    def _candidates(self, known: Known) -> Iterator[tuple[Seen, Probe]]:
        """Where its content may be, the likeliest place first."""
        world, free = self.world, list(self._free_for(known))
        fresh = known.serial in world.fresh
        is_known = known.head_bytes or known.finished
        same_number = world.is_itself if is_known else _is_named_after
        yield from ((seen, same_number) for seen in free if seen.identity == known.identity)
        others = [seen for seen in free if seen.identity != known.identity]
        old_path = [seen for seen in others if fresh and seen.path == known.path]
        yield from ((seen, world.is_itself) for seen in old_path if seen.inode == known.inode)
        rotated = (seen for seen in others if is_rotated_name(seen.path, known.path))
        newest = sorted(rotated, key=lambda seen: (is_packed_name(seen.path), -seen.modified))
        yield from ((seen, world.carries) for seen in newest)
        yield from ((seen, world.is_itself) for seen in old_path)

    def _free_for(self, known: Known) -> Iterator[Seen]:
        """Files beside it that hold no other content; a copy of it is its own."""
        left = self.left.get(known.serial)
        for each in self.world.neighbours(known):
            seen = self.new.get(each.identity, each)
            holder = self.holder.get(seen.identity)
            is_free = holder is None or holder.copy_of == known.serial
            if is_free and (left is None or seen.identity != left.identity):
                yield seen

    def _newcomers(self) -> Iterator[Action]:
        names, new_names = Names(self.world.known), Names(self.new.values())
        left = {seen.identity: self.serials[serial] for serial, seen in self.left.items()}
        waiting: set[tuple[int, int]] = set()
        for seen in self.new.values():
            known = left.get(seen.identity)
            found = Found(seen) if seen.identity in self.cut else self._newcomer(seen, names, known)
            may_wait = seen.identity not in self.cut and isinstance(found, Found)
            if found is None or (may_wait and self._may_repeat(seen, new_names, waiting)):
                waiting.add(seen.identity)
            elif known is not None and isinstance(found, Found):
                yield Renewed(known, seen)
            else:
                yield found

    def _newcomer(self, seen: Seen, names: Names[Known], left: Known | None) -> Action | None:
        """None when the next look will know more."""
        related = sorted(names.related(seen.path), key=self._rank)
        if related and not seen.size and not left:
            return None  # it may become a copy
        for known in (*related, *self.gone.get(seen.path, ())):
            here = self.place.get(known.serial)
            if here is not None:
                answer = seen.identity != here.identity and self.world.repeats(known, here, seen)
            else:
                answer = self._comes_back(known, seen)
            if answer is None:
                return None
            if answer:
                return Continued(known, seen) if here is None else Copied(known, seen)
        if left is not None and left.copy_of and self._is_covered(left, seen):
            return Copied(self.serials[left.copy_of], seen)
        return Found(seen)

    def _comes_back(self, known: Known, seen: Seen) -> bool | None:
        """Whether it holds what was given up. Under the very same name much must speak for that: a log that is made
        anew often begins as the one before it did.
        """
        if known.serial in self.left and self.left[known.serial].identity == seen.identity:
            return False
        if seen.path != known.path:
            return self.world.carries(known, seen)
        unchanged = (seen.identity, seen.size, seen.modified) == (known.identity, known.size, known.modified)
        return unchanged or (known.offset >= HEAD_BYTES and self.world.is_itself(known, seen))

    def _is_covered(self, copy: Known, seen: Seen) -> bool:
        """A copy was still being written when it was seen, and all that it can hold has been read of the original."""
        of = self.serials.get(copy.copy_of)
        return of is not None and seen.size <= of.offset and bool(self.world.carries(copy, seen))

    def _may_repeat(self, seen: Seen, names: Names[Seen], waiting: set[tuple[int, int]]) -> bool:
        """It may be a copy of a file that is as new as itself: the next look, which knows that one, will tell."""
        others = (other for other in names.related(seen.path) if other.identity not in waiting)
        return any(not seen.size or self.world.repeats(_UNKNOWN, other, seen) is not False for other in others)


_UNKNOWN = Known(serial=0, version=0, path="", device=0, inode=0)


def _is_named_after(known: Known, seen: Seen) -> bool:
    return is_named_after(seen.path, known.path)


def _is_shorter(known: Known, seen: Seen) -> bool:
    return seen.size < known.size or (seen.size < known.offset and not known.packed)
