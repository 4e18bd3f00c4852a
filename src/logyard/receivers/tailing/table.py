"""The contents that are followed, those that were given up lately, and what is remembered of both."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from logyard.clock import Clock
from logyard.errors import NotNow
from logyard.receivers.tailing.assemble import AssemblerMaker
from logyard.receivers.tailing.checkpoints import Checkpoints
from logyard.receivers.tailing.content import Opener, open_content
from logyard.receivers.tailing.followed import Followed
from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.probing import seal_of
from logyard.receivers.tailing.scan import Seen
from logyard.telemetry import Event

__all__ = ["Parts", "Table"]

_REMEMBER_SECONDS: Final = 86_400.0
_MOST_GONE: Final = 10_000
_MOST_MARKED: Final = 50


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a follower works with."""

    checkpoints: Checkpoints
    clock: Clock
    emit: Callable[[Event], None]
    assembler: AssemblerMaker
    opener: Opener = open_content
    """The way to content: tests put a faulty one in its place."""


class Table:
    """Every change of what is known gets a version, so that of two accounts the newer is known."""

    def __init__(self, parts: Parts) -> None:
        """As the checkpoints have it."""
        self._parts = parts
        known = parts.checkpoints.all()
        self._serial = max(known, default=0)
        self._version = max((each.version for each in known.values()), default=0)
        self.gone = {serial: each for serial, each in known.items() if each.gone}
        self.files: dict[int, Followed] = {}
        self._sources: dict[str, dict[int, Followed]] = {}
        for each in known.values():
            if not each.gone:
                self._add(self._followed(each))
        self.unmarked: dict[int, Known] = {}
        """Changes that no mark has carried yet."""
        self.fresh = frozenset(self.files)
        """Those that this process has not seen yet."""

    def version(self) -> int:
        """The next one."""
        self._version += 1
        return self._version

    def new(self, seen: Seen, **about: object) -> Followed:
        """Follow a file that was not known."""
        self._serial += 1
        known = Known(
            serial=self._serial,
            version=0,
            path=seen.path,
            device=seen.device,
            inode=seen.inode,
            size=seen.size,
            modified=seen.modified,
        )
        return self.follow(msgspec.structs.replace(known, **about))

    def follow(self, known: Known) -> Followed:
        """Follow a file of which something is known."""
        self.gone.pop(known.serial, None)
        file = self._followed(known)
        self._add(file)
        self.change(file)
        return file

    def of_source(self, source: str) -> Sequence[Followed]:
        """Those whose records say so, the oldest first; however they move about, their source stays."""
        return list(self._sources.get(source, {}).values())

    def change(self, file: Followed, **change: object) -> None:
        """Something else is known of it."""
        file.known = msgspec.structs.replace(file.known, version=self.version(), **change)
        self._parts.checkpoints.put([file.known])

    def note(self, *files: Followed) -> None:
        """What has become of these must not be forgotten in a crash while what is read after it is not."""
        self.unmarked.update({file.known.serial: file.known for file in files})

    def learn_head(self, file: Followed) -> bool:
        """See ``Followed.learn_head``."""
        before = file.known.head_bytes
        is_same = file.learn_head()
        if file.known.head_bytes != before:
            self.change(file)
        return is_same

    def changes(self) -> tuple[Known, ...]:
        """What has become of files since somebody asked: it goes with the next batch, so that a crash finds both or
        neither.
        """
        changed, self.unmarked = tuple(self.unmarked.values()), {}
        if len(changed) > _MOST_MARKED:
            # A mark is small: so many changes at once are made durable here and now, if the disk lets us.
            with contextlib.suppress(NotNow):
                self._parts.checkpoints.save()
                return ()
        return changed

    def copy_at(self, identity: tuple[int, int]) -> Followed | None:
        """The copy with this device and inode."""
        copies = (file for file in self.files.values() if file.known.copy_of)
        return next((file for file in copies if file.known.identity == identity), None)

    def advance(self, file: Followed, after: Known) -> None:
        """It has been read on; what has become of its place meanwhile stays."""
        version = after.version
        if file.known.version > version:
            version = self.version()
        read = {name: getattr(after, name) for name in _READ}
        file.known = msgspec.structs.replace(file.known, version=version, **read)
        self._parts.checkpoints.put([file.known])

    def seal(self, file: Followed, **about: object) -> bool:
        """Nothing is to be read of it as long as it lies as it does now. False when that cannot be said."""
        with contextlib.suppress(OSError):
            content = file.open()
            if not content.unfinished:
                seal, size = seal_of(content)
                self.change(file, finished=True, seal=seal, size=size, packed=content.packed, **about)
                file.is_ready = False
                return True
        return False

    def drop(self, file: Followed) -> None:
        """It was never a content of its own. A mark says so, lest an older one bring it back."""
        self.give_up(file)
        if file.known.serial in self.gone:
            self.note(file)

    def give_up(self, file: Followed) -> None:
        """Nothing more is to be had of it; what is known of it stays for a while: it may come back compressed."""
        file.close()
        self.files.pop(file.known.serial, None)
        siblings = self._sources.get(file.known.source, {})
        siblings.pop(file.known.serial, None)
        if not siblings:
            self._sources.pop(file.known.source, None)
        self.unmarked.pop(file.known.serial, None)
        if file.known.head_bytes or file.known.finished:
            self.change(file, gone=self._parts.clock.now())
            self.gone[file.known.serial] = file.known
        else:
            self._parts.checkpoints.forget([file.known.serial])

    def forget(self) -> None:
        """Memories of long ago, and too many of them."""
        oldest = self._parts.clock.now() - int(_REMEMBER_SECONDS * 1e9)
        old = [serial for serial, known in self.gone.items() if known.gone < oldest]
        old += sorted(self.gone)[: max(0, len(self.gone) - _MOST_GONE)]
        for serial in old:
            self.gone.pop(serial, None)
        self._parts.checkpoints.forget(old)

    def _add(self, file: Followed) -> None:
        self.files[file.known.serial] = file
        self._sources.setdefault(file.known.source, {})[file.known.serial] = file

    def _followed(self, known: Known) -> Followed:
        assembler = self._parts.assembler(known.source)
        assembler.recall(known.learnt)
        return Followed(known, assembler, opener=self._parts.opener, now=self._parts.clock.monotonic())


_READ: Final = ("offset", "head", "head_bytes", "tail", "tail_bytes", "encoding", "skipping", "packed", "learnt")
