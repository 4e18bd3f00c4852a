"""What became of the files that are followed: a decision over what is known and what a look at the disk found. Pure.

Rotation comes in these ways, and each leaves its own trace:

    renamed        the inode has another name, and the old name a new inode: both are followed
    copied, cut    (copytruncate) a new file ``app.log.1`` begins with what was read, ends where ``app.log`` ended, and
                   ``app.log`` has shrunk: what was unread is in the copy
    refilled       the inode is as long as before, or longer, but the bytes before the offset are others
    compressed     the inode is gone, and a new file ``app.log.1.gz`` holds the same content
    reused         an inode number that belongs to another file now: its content is another

Names decide only where content cannot: a file is taken for a copy of another only when its name is made from that
one's name, so that two small files that happen to begin alike stay two files.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.scan import Seen

__all__ = [
    "Action",
    "Continued",
    "Copied",
    "Found",
    "Lost",
    "Moved",
    "Probe",
    "Truncated",
    "World",
    "decide",
    "find_rest",
    "is_rotated_name",
]

_PACKED: Final = re.compile(r"\.(?:gz|zst|bz2|xz|Z)$")
_SUFFIX: Final = re.compile(r"[-._]?[0-9T:._-]*[0-9]?(?:\.(?:gz|zst|bz2|xz|old|bak|[0-9]+))*")

Probe = Callable[[Known, Seen], bool | None]
"""Whether a file holds what was read of the known one; None when that cannot be said yet."""


Named = TypeVar("Named", Known, Seen)


class Found(NamedTuple):
    """A file that nobody has seen before."""

    seen: Seen


class Moved(NamedTuple):
    """A known file under another name."""

    known: Known
    seen: Seen


class Truncated(NamedTuple):
    """A known file begins anew. ``rest``: the copy that holds what was not read yet, if there is one."""

    known: Known
    seen: Seen
    rest: Seen | None


class Copied(NamedTuple):
    """A file that repeats what a known one still holds: nothing to read, unless that one is cut."""

    known: Known
    seen: Seen


class Continued(NamedTuple):
    """The known file's content lies in another file now: reading goes on there."""

    known: Known
    seen: Seen


class Lost(NamedTuple):
    """A known file is in no place where it was looked for."""

    known: Known


Action = Found | Moved | Truncated | Copied | Continued | Lost


class World(NamedTuple):
    """What a decision is made of."""

    files: Sequence[Seen]
    """What the patterns mean now."""
    known: Sequence[Known]
    """All that are followed, and those that were given up lately."""
    fresh: frozenset[int]
    """Serials of those that this process has not seen yet: device and inode numbers may have changed meanwhile."""
    held: frozenset[int]
    """Serials of those whose descriptor is open: they can be read wherever they are."""
    owned: frozenset[tuple[int, int]]
    """Identities that are certainly those of followed files: of what is only remembered, the inode may be another's."""
    neighbours: Callable[[str], Sequence[Seen]]
    """All files in the directory of a path, whether the patterns mean them or not."""
    carries: Probe
    """Whether the file has the known one's head, and the bytes before its offset."""
    repeats: Probe
    """Whether all that the file holds is what the known one holds now."""


def decide(world: World) -> list[Action]:
    """What has happened, in an order in which it can be acted on."""
    followed = [known for known in world.known if not known.gone]
    by_identity = {known.identity: known for known in followed}
    present: dict[int, Seen] = {}
    new: list[Seen] = []
    files = _Names(world.files if world.fresh else ())
    for seen in world.files:
        known = by_identity.get(seen.identity)
        if known is None or not _may_be(known, seen) or not _is_same(known, seen, world, files=files):
            new.append(seen)
        else:
            present[known.serial] = seen
    world = world._replace(owned=world.owned | {seen.identity for seen in present.values()})
    actions: list[Action] = [Moved(known, present[known.serial]) for known in followed if _has_moved(known, present)]
    taken: set[tuple[int, int]] = set()
    for known in followed:
        here = present.get(known.serial)
        if here is None:
            heir = _heir(known, [each for each in new if each.identity not in taken], world)
            taken |= {heir.identity} if heir else set()
            actions.append(Continued(known, heir) if heir else Lost(known))
        elif _is_cut(known, here):
            rest = find_rest(known, [each for each in new if each.identity not in taken], world)
            taken |= {rest.identity} if rest else set()
            actions.append(Truncated(known, here, rest))
    settled = frozenset(action.known.serial for action in actions if isinstance(action, Truncated | Continued))
    # What begins anew is as new: of its content nothing is known that a compressed copy could be compared with.
    anew = [action.seen for action in actions if isinstance(action, Truncated)]
    names, new_names = _Names(world.known), _Names([*new, *anew])
    for seen in new:
        if seen.identity not in taken and not _is_copy_of(seen, new_names.related(seen.path), world):
            actions += _newcomer(seen, present, world._replace(known=names.related(seen.path)), settled=settled)
    return actions


class _Names(Generic[Named]):
    """Files by their names, so that of ten thousand only those are compared that may belong together. Put in order
    when the first is asked for: at nearly every look none is.
    """

    def __init__(self, files: Iterable[Named]) -> None:
        self._files: Iterable[Named] = files

    @cached_property
    def _by_start(self) -> dict[str, list[Named]]:
        found: dict[str, list[Named]] = {}
        for file in self._files:
            name = _PACKED.sub("", file.path)
            for start in {name, name.rpartition(".")[0]}:
                found.setdefault(start, []).append(file)
        return found

    def related(self, path: str) -> list[Named]:
        """Those of whose names ``path`` may be made."""
        first = path.rfind("/") + 2
        starts = (path[:end] for end in range(first, len(path) + 1))
        found = {id(file): file for start in starts for file in self._by_start.get(start, ())}
        return [file for file in found.values() if is_rotated_name(path, file.path)]


def find_rest(known: Known, new: Iterable[Seen], world: World) -> Seen | None:
    """The copy that holds what a file no longer holds."""
    if not known.head_bytes:
        return None
    around = _around(known, new, world)
    named = [seen for seen in around if is_rotated_name(seen.path, known.path)]
    newest = sorted(named, key=lambda seen: (is_packed_name(seen.path), -seen.modified))
    return next((seen for seen in newest if seen.identity != known.identity and world.carries(known, seen)), None)


def _newcomer(seen: Seen, present: Mapping[int, Seen], world: World, *, settled: frozenset[int]) -> Iterator[Action]:
    """A file that is no known one by its inode: a copy of one, the successor of one that was given up, or new."""
    related = (known for known in world.known if not known.copy_of and is_rotated_name(seen.path, known.path))
    for known in related:
        here = present.get(known.serial)
        repeats = _repeats(known if here is None else replace(known, path=here.path), seen, world)
        carries = known.head_bytes > 0 and not repeats and world.carries(known, seen)
        if repeats:
            yield Copied(known, seen)
        elif carries and known.serial not in settled:
            # It has what was read, and the known file has it no longer.
            yield Continued(known, seen) if here is None else Truncated(known, here, seen)
        # Being written, or another file goes on with the content: the next look knows more.
        if repeats is not False or carries is not False:
            return
    yield Found(seen)


def _repeats(known: Known, seen: Seen, world: World) -> bool | None:
    """Whether it is a copy of a file that is still there; None while it is empty: it may become one."""
    if known.gone or seen.identity == known.identity:
        return False  # of the same inode, and yet another file: it would be compared with itself
    return world.repeats(known, seen) if seen.size else None


def _is_copy_of(seen: Seen, others: Iterable[Seen], world: World) -> bool:
    """It may repeat one of the files of whose names its own is made. Of one that is as new as itself the next look,
    which knows that one, will tell.
    """
    for other in others:
        known = Known(serial=0, version=0, path=other.path, device=other.device, inode=other.inode)
        if not seen.size or world.repeats(known, seen) is not False:
            return True
    return False


def _heir(known: Known, new: Sequence[Seen], world: World) -> Seen | None:
    """Where the content of an absent file is now: the same inode outside the patterns, the same path under another
    inode after a restart, or a file whose name and content say so.
    """
    if known.serial in world.held or known.copy_of:
        return None
    for seen in _around(known, new, world):
        same = seen.identity == known.identity and _may_be(known, seen)
        if same and not _is_cut(known, seen) and world.carries(known, seen):
            return seen
    if known.head_bytes and known.serial in world.fresh:
        for seen in new:
            if seen.path == known.path and world.carries(known, seen):
                return seen
    return find_rest(known, new, world)


def _around(known: Known, new: Iterable[Seen], world: World) -> Iterator[Seen]:
    """New files, and whatever else lies beside the known one and is nobody's but its own."""
    others = [each for each in world.known if not each.gone and known.serial not in {each.serial, each.copy_of}]
    by_identity = {each.identity: each for each in others}
    done = set()
    for seen in (*new, *world.neighbours(known.path)):
        other = by_identity.get(seen.identity)
        if seen.identity not in done and not (other and _is_owner(other, seen, world)):
            done.add(seen.identity)
            yield seen


def _is_owner(known: Known, seen: Seen, world: World) -> bool:
    """It is the file that has this identity, not one that had it when it was seen last."""
    return seen.identity in world.owned or known.finished or (known.head_bytes > 0 and bool(world.carries(known, seen)))


def _has_moved(known: Known, present: Mapping[int, Seen]) -> bool:
    seen = present.get(known.serial)
    return seen is not None and seen.path != known.path


def _may_be(known: Known, seen: Seen) -> bool:
    """Of a file that has always been empty only the name can say whether it is the same; its inode may be used anew."""
    return bool(known.head_bytes) or known.finished or _is_named_after(seen, known)


def _is_same(known: Known, seen: Seen, world: World, *, files: "_Names[Seen]") -> bool:
    """The inode number is the same, and nothing says that it belongs to another file."""
    if known.serial not in world.fresh or known.finished:
        return True
    if _is_cut(known, seen) and _is_named_after(seen, known):
        # Its content is gone. Where another file has the same, the number went to a copy of that one.
        return not _is_copy_of(seen, files.related(seen.path), world)
    return bool(world.carries(known, seen))


def _is_named_after(seen: Seen, known: Known) -> bool:
    return seen.path == known.path or is_rotated_name(seen.path, known.path)


def _is_cut(known: Known, seen: Seen) -> bool:
    # Offsets of a compressed file have nothing to do with its size.
    return seen.size < max(known.offset, known.size) and not known.finished and not is_packed_name(seen.path)


def is_packed_name(path: str) -> bool:
    """Whether the name says that the file is compressed."""
    return path.endswith((".gz", ".zst", ".bz2", ".xz", ".Z"))


def is_rotated_name(path: str, of: str) -> bool:
    """Whether ``path`` is a name that rotation gives to the file that was ``of``: ``app.log.1``, ``app.log-20260101``,
    ``app-20260101.log``, ``app.log.2.gz`` of ``app.log``; ``app.log.2`` and ``app.log.1.gz`` of ``app.log.1``.
    """
    home, _, name = path.rpartition("/")
    of_home, _, of_name = _PACKED.sub("", of).rpartition("/")
    if path == of or home != of_home or name == of_name:
        return False
    if name.startswith(of_name) and _SUFFIX.fullmatch(name, len(of_name)):
        return True
    stem, dot, ending = of_name.rpartition(".")
    if not dot:
        return False
    if ending.isdigit() and name.startswith(stem + dot) and _SUFFIX.fullmatch(name, len(stem)):
        return True
    tail = f"{dot}{ending}"
    plain = _PACKED.sub("", name)
    middle = plain[len(stem) : -len(tail)] if plain.startswith(stem) and plain.endswith(tail) else ""
    return bool(middle) and _SUFFIX.fullmatch(middle) is not None
