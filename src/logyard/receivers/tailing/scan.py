"""Which files there are: globs with ``*``, ``?``, ``[...]``, ``{a,b}`` and ``**``, what they exclude, and what a look
at the disk finds.

As in a shell: names that begin with a dot are matched only by a pattern that begins with one, and ``**`` does not go
through links to directories. A directory stands for every ``*.log`` under it.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["Scan", "Scanner", "Seen", "expand", "roots"]

_MAGIC: Final = re.compile(r"[*?\[]")
_BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST_PATTERNS: Final = 1000


class Seen(NamedTuple):
    """A file as a look at the disk finds it."""

    path: str
    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds."""

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode

    @staticmethod
    def of(path: str) -> "Seen | None":
        """The file that ``path`` leads to; None for what is none. Raises ``OSError``."""
        found = os.stat(path)  # noqa: PTH116 - ten thousand a second: Path costs more than the call
        if not stat.S_ISREG(found.st_mode):
            return None
        return Seen(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class Scan(NamedTuple):
    """What was found; and what is there by name but cannot be followed, and why."""

    files: list[Seen]
    trouble: dict[str, str]


class Scanner:
    """Looks for the files of some patterns."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str] = ()) -> None:
        """An exclusion without a slash is for names, any other for whole paths."""
        self._include = [each for pattern in include for each in expand(_absolute(pattern))]
        self._names = [_regex(each) for pattern in exclude if "/" not in pattern for each in expand(pattern)]
        self._paths = [
            _path_regex(each) for pattern in exclude if "/" in pattern for each in expand(_absolute(pattern))
        ]

    def scan(self) -> Scan:
        """A look at the disk, the oldest file first."""
        files: dict[tuple[int, int], Seen] = {}
        trouble: dict[str, str] = {}
        paths = {path for pattern in self._include for path in _matches(pattern, trouble)}
        for path in sorted(paths):
            if self._is_excluded(path):
                continue
            try:
                seen = Seen.of(path)
            except FileNotFoundError:
                continue  # gone in between, or a link that leads nowhere
            except OSError as error:
                trouble[path] = error.strerror or str(error)
                continue
            if seen is None:
                trouble[path] = "not a regular file"
            else:
                files.setdefault(seen.identity, seen)
        return Scan(sorted(files.values(), key=lambda seen: seen.modified), trouble)

    def _is_excluded(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(each.fullmatch(name) for each in self._names) or any(each.fullmatch(path) for each in self._paths)


def expand(pattern: str) -> list[str]:
    """The patterns that a pattern with braces stands for."""
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    head, tail = pattern[: found.start()], pattern[found.end() :]
    expanded = [each for choice in found[1].split(",") for each in expand(head + choice + tail)]
    return list(dict.fromkeys(expanded))[:_MOST_PATTERNS]


def roots(include: Sequence[str]) -> list[str]:
    """The directories under which the patterns look; only those that are there."""
    found = set()
    for pattern in include:
        for each in expand(_absolute(pattern)):
            fixed = each[: m.start()] if (m := _MAGIC.search(each)) else each
            directory = fixed.rpartition("/")[0] or "/"
            if os.path.isdir(directory):  # noqa: PTH112 - a string like its neighbours
                found.add(directory)
    return sorted(found)


def _absolute(pattern: str) -> str:
    path = os.path.abspath(os.path.expanduser(pattern))  # noqa: PTH100, PTH111 - a pattern, not a path
    return f"{path}/**/*.log" if os.path.isdir(path) else path  # noqa: PTH112 - likewise


def _matches(pattern: str, trouble: dict[str, str]) -> Iterator[str]:
    parts = pattern.lstrip("/").split("/")
    yield from _walk("", parts, trouble)


def _walk(directory: str, parts: Sequence[str], trouble: dict[str, str]) -> Iterator[str]:
    """Paths under ``directory`` (without its slash) that the parts of a pattern lead to."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _below(directory, rest or ["*"], trouble)
    elif _MAGIC.search(part):
        yield from _matching(directory, parts, trouble)
    elif rest:
        yield from _walk(f"{directory}/{part}", rest, trouble)
    elif os.path.lexists(f"{directory}/{part}"):
        yield f"{directory}/{part}"


def _matching(directory: str, parts: Sequence[str], trouble: dict[str, str]) -> Iterator[str]:
    """One part with an asterisk or the like, and what follows it."""
    part, rest = parts[0], parts[1:]
    matches = _regex(part).fullmatch
    for entry in _entries(directory, trouble):
        if not matches(entry.name) or (entry.name[0] == "." and part[0] != "."):
            continue
        if not rest:
            yield f"{directory}/{entry.name}"
        elif _is_directory(entry, follow=True):
            yield from _walk(f"{directory}/{entry.name}", rest, trouble)


def _below(directory: str, rest: Sequence[str], trouble: dict[str, str]) -> Iterator[str]:
    """``**``: this directory, and every one below it."""
    yield from _walk(directory, rest, trouble)
    for entry in _entries(directory, trouble):
        if entry.name[0] != "." and _is_directory(entry, follow=False):
            yield from _below(f"{directory}/{entry.name}", rest, trouble)


def _is_directory(entry: "os.DirEntry[str]", *, follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False


def _entries(directory: str, trouble: dict[str, str]) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(directory or "/") as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        trouble[directory] = error.strerror or str(error)
        return []


@lru_cache(maxsize=1024)
def _regex(part: str) -> re.Pattern[str]:
    return re.compile(translate(part))


@lru_cache(maxsize=1024)
def _path_regex(pattern: str) -> re.Pattern[str]:
    parts = []
    for part in pattern.strip("/").split("/"):
        # Inside a name an asterisk stops at a slash.
        name = translate(part).removeprefix("(?s:").removesuffix(r")\Z").replace(".*", "[^/]*").replace("(?>", "(?:")
        parts.append("(?:/[^/]+)*" if part == "**" else f"/{name}")
    return re.compile("".join(parts), re.DOTALL)
