"""Names that rotation gives to files. A name says nothing about who a file is; it says which files are worth comparing.

Pure. Names are compared within one directory: a rotator that moves files to another one keeps their inodes, or is met
as a copy that nobody can tell from a new file.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final, Generic, TypeVar

from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.scan import Seen

__all__ = ["Names", "is_named_after", "is_packed_name", "is_rotated_name", "name_start"]

_PACKED: Final = re.compile(r"\.(?:gz|zst|bz2|xz|Z)$")
_SUFFIX: Final = re.compile(r"[-._]?[0-9T:._-]*[0-9]?(?:\.(?:gz|zst|bz2|xz|old|bak|[0-9]+))*")

Named = TypeVar("Named", Known, Seen)


def is_packed_name(path: str) -> bool:
    """Whether the name says that the file is compressed."""
    return _PACKED.search(path) is not None


def is_named_after(path: str, of: str) -> bool:
    """The same name, or one that rotation makes of it."""
    return path == of or is_rotated_name(path, of)


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


def name_start(path: str) -> str:
    """What all names begin with that rotation gives to ``path``."""
    name = _PACKED.sub("", path)
    directory, slash, last = name.rpartition("/")
    return directory + slash + (last.rpartition(".")[0] or last)


class Names(Generic[Named]):
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
