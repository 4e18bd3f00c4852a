"""A disk that is only imagined: files are strings, and any inode number may be had; the answers of a look at it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from logyard.receivers.tailing.known import HEAD_BYTES, TAIL_BYTES, Known, digest
from logyard.receivers.tailing.naming import is_named_after
from logyard.receivers.tailing.rotation import Action, Away, Found, Kept, Lost, World
from logyard.receivers.tailing.scan import Seen


class File(NamedTuple):
    """On the disk. A packed one lies there as other bytes than it holds."""

    inode: int
    content: str
    device: int = 1
    cannot_be_asked: bool = False
    modified: int = 0

    def seen(self, name: str) -> Seen:
        return Seen(f"/l/{name}", self.device, self.inode, len(self.stored(name)), self.modified)

    def stored(self, name: str) -> str:
        return f"packed {self.content}" if name.endswith(".gz") else self.content


Disk = Mapping[str, File]


def read(content: str, offset: int | None = None, *, name: str = "a.log", inode: int = 1, serial: int = 1) -> Known:
    """What is known of a file when all before ``offset`` has been read; the whole of it has been seen."""
    data = content.encode()
    at = len(data) if offset is None else offset
    tail = data[max(0, at - TAIL_BYTES) : at]
    return Known(
        serial=serial,
        version=serial,
        path=f"/l/{name}",
        device=1,
        inode=inode,
        offset=at,
        size=len(data),
        modified=-1,
        head=digest(data[:HEAD_BYTES]),
        head_bytes=len(data[:HEAD_BYTES]),
        tail=digest(tail),
        tail_bytes=len(tail),
    )


def copy(content: str, of: int, *, name: str = "a.log.1", inode: int = 2, serial: int = 2) -> Known:
    stored = File(inode, content).stored(name).encode()
    known = read(content, name=name, inode=inode, serial=serial)
    return replace(known, copy_of=of, finished=True, seal=digest(stored), size=len(stored))


class Probing:
    """Answers as the real one gives them, from strings."""

    def __init__(self, disk: Disk, held: Collection[int], fresh: Collection[int]) -> None:
        self.seen = {name: file.seen(name) for name, file in disk.items()}
        self._files = {each.identity: disk[name] for name, each in self.seen.items()}
        self._held, self._fresh = held, fresh

    def certain(self, each: Known, seen: Seen) -> bool:
        if (each.path, each.size, each.modified) == (seen.path, seen.size, seen.modified):
            return True
        grown = each.serial not in self._fresh and seen.path == each.path and seen.size >= each.size
        return not each.finished and (each.serial in self._held or grown)

    def neighbours(self, each: Known) -> list[Seen]:
        return [seen for seen in self.seen.values() if self._is_beside(each, seen)]

    def _is_beside(self, each: Known, seen: Seen) -> bool:
        return seen.inode == each.inode or is_named_after(seen.path, each.path)

    def is_itself(self, each: Known, seen: Seen) -> bool | None:
        if each.finished:
            return digest(self._files[seen.identity].stored(seen.path).encode()) == each.seal
        return self.carries(each, seen)

    def carries(self, each: Known, seen: Seen) -> bool | None:
        file = self._files[seen.identity]
        if file.cannot_be_asked:
            return None
        data = file.content.encode()
        tail = data[each.offset - each.tail_bytes : each.offset]
        return bool(each.head_bytes) and digest(data[: each.head_bytes]) == each.head and digest(tail) == each.tail

    def repeats(self, _: Known, here: Seen, seen: Seen) -> bool | None:
        copy, original = self._files[seen.identity], self._files[here.identity]
        if copy.cannot_be_asked:
            return None
        return bool(copy.content) and original.content.startswith(copy.content)


def world(
    disk: Disk,
    known: Sequence[Known],
    *,
    held: Collection[int] = (),
    fresh: Collection[int] = (),
    doubtful: Collection[int] = (),
) -> World:
    """``held``: serials whose descriptor is open. All files but ``*.txt`` are meant by the patterns."""
    probing = Probing(disk, held, fresh)
    seen = probing.seen
    return World(
        files=[each for name, each in seen.items() if not name.endswith(".txt") and name != "adrift"],
        adrift=[seen["adrift"]._replace(path="/l/a.log")] if "adrift" in seen else [],
        known=known,
        fresh=frozenset(fresh),
        held=frozenset(held),
        certain=probing.certain,
        doubtful=frozenset(doubtful),
        neighbours=probing.neighbours,
        is_itself=probing.is_itself,
        carries=probing.carries,
        repeats=probing.repeats,
    )


def said(actions: Sequence[Action]) -> list[str]:
    """``continued 1 in a.log.1``."""
    found = []
    for action in actions:
        serial = "" if isinstance(action, Found) else f" {action.known.serial}"
        place = "" if isinstance(action, Kept | Away | Lost) else f" {action.seen.path.removeprefix('/l/')}"
        cut = " cut" if isinstance(action, Lost) and action.cut else ""
        found.append(f"{type(action).__name__.lower()}{serial}{place}{cut}")
    return found
