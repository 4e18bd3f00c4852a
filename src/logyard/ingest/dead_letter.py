"""What will never be taken: kept, counted, visible with ``ls``, replayable. Never a reason to stop the rest.

    dead_letters/<token>-<segment>.lines.sealed       a segment that the store would not take, as it was
    dead_letters/<output>/<batch id>.lines.sealed     a batch that the other side of an output would not
    *.reason                                          beside each: what the other side said
    *.again instead of *.sealed                       to be tried again

A letter is a file in the layout of docs/formats/wal.md. Whoever put it there looks for ``.again`` every few seconds:
it brings the same records under the same token or batch id as before, then removes the letter, or seals it again with
a new reason. So asking for it is a rename, whether a process runs or not, and a crash in between repeats what the other
side knows already.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Self, cast

import msgspec

from logyard.errors import Corrupt
from logyard.model.batch import Batch
from logyard.ports import Sealed
from logyard.wal.record import Form, body_of, check, decode, encode, form_of, verify
from logyard.wal.segment import scan

__all__ = ["STORE", "DeadLetters", "Letter", "letters"]

STORE: Final = "store"
"""Where segments lie: not in a folder of their own."""
_SEALED: Final = ".sealed"
_AGAIN: Final = ".again"
_FORMS: Final = 2


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    path: Path
    place: str
    """``store``, or the name of the output."""

    @property
    def id(self) -> str:
        """How people name it: of a batch its id, of a segment that of its first batch."""
        return self.token.rpartition(".")[2] if self.place == STORE else self.path.name.partition(".")[0]

    @property
    def waiting(self) -> bool:
        """Somebody has asked for it to be tried again."""
        return self.path.suffix == _AGAIN

    @property
    def reason(self) -> str:
        """What the other side said; "" when that is lost."""
        try:
            return self.path.with_suffix(".reason").read_text(errors="replace").rstrip("\n")
        except OSError:
            return ""

    @property
    def token(self) -> str:
        """Of a segment: the one under which the store would have taken it."""
        return self.path.name.rpartition("-")[0]

    @property
    def sealed(self) -> Self:
        """The same when nobody has asked."""
        return msgspec.structs.replace(self, path=self.path.with_suffix(_SEALED))

    def batches(self) -> Sequence[Batch]:
        """What is in it. Raises ``Corrupt``, ``OSError``."""
        data = self.path.read_bytes()
        headers = scan(data)
        if headers is None:
            raise Corrupt(f"{self.path} is damaged")
        for header in headers:
            verify(data, header, len(data))
        form = cast("Form", self.path.suffixes[-_FORMS].removeprefix("."))
        return [decode(data, header, form) for header in headers]

    def ask(self) -> Self:
        """Have it tried again. Raises ``OSError``."""
        asked = self.path.with_suffix(_AGAIN)
        self.path.rename(asked)
        _sync(asked.parent)
        return msgspec.structs.replace(self, path=asked)

    def give_back(self, reason: str) -> None:
        """It was refused again. Raises ``OSError``."""
        _write(self.path.with_suffix(".reason"), reason.encode() + b"\n")
        self.path.rename(self.sealed.path)
        _sync(self.path.parent)

    def remove(self) -> None:
        """It was taken. Raises ``OSError``."""
        # The letter last: a crash in between has it tried again, and leaves no reason of a letter that is gone.
        self.path.with_suffix(".reason").unlink(missing_ok=True)
        self.path.unlink()
        _sync(self.path.parent)


class DeadLetters:
    """The letters of one place: of the store, or of an output. Any thread."""

    def __init__(self, directory: Path, place: str = STORE) -> None:
        """``directory`` is that of all places; it is made when the first letter comes."""
        self._place = place
        self._directory = directory if place == STORE else directory / place

    def put(self, segment: Sealed, reason: str) -> Path:
        """Keep a copy of the segment; where it lies. Raises ``OSError``."""
        name = f"{segment.token.replace('/', '_')}-{segment.path.name}"
        with segment.path.open("rb") as source:
            return self._keep(name, lambda copy: shutil.copyfileobj(source, copy), reason)

    def put_batch(self, batch: Batch, reason: str) -> Path:
        """Keep a batch; the same again replaces itself. Raises ``OSError``."""
        body = body_of(batch)
        check(batch, body)
        name = f"{batch.id.hex()}.{form_of(batch)}{_SEALED}"
        return self._keep(name, lambda copy: copy.writelines([encode(batch, body), body]), reason)

    def again(self) -> Sequence[Letter]:
        """Those that somebody wants tried again."""
        return list(self._found(_AGAIN))

    def __iter__(self) -> Iterator[Letter]:
        """All, by name; none while the directory is not there."""
        return self._found(_SEALED, _AGAIN)

    def count(self) -> int:
        """Letters kept."""
        return sum(1 for _ in self)

    def _found(self, *suffixes: str) -> Iterator[Letter]:
        paths = sorted(path for suffix in suffixes for path in self._directory.glob(f"*{suffix}"))
        return (Letter(path=path, place=self._place) for path in paths)

    def _keep(self, name: str, fill: Callable[[BinaryIO], None], reason: str) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        kept = self._directory / name
        partial = kept.with_suffix(".partial")
        _write(kept.with_suffix(".reason"), reason.encode() + b"\n")
        with partial.open("wb") as copy:
            fill(copy)
            copy.flush()
            os.fsync(copy.fileno())
        partial.rename(kept)
        # What it was copied from goes next: the copy must outlive a power cut by then.
        _sync(self._directory)
        _sync(self._directory.parent)
        return kept


def letters(directory: Path) -> Iterator[Letter]:
    """Those of all places under ``directory``."""
    yield from DeadLetters(directory)
    for folder in sorted(path for path in directory.glob("*") if path.is_dir()):
        yield from DeadLetters(directory, folder.name)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
