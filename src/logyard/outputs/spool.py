"""To files that another process takes away: the hand-over between the collector, the processor and the forwarder.

    collected_app.log               what may be taken: whole batches, JSON lines
    .collected_app.log.7.writing    the same file while its seventh batch is added
    .collected_app.log.journal      which batches were added, and where each began

A taker claims a file by renaming it, and so does the writer before it adds to one: of two only one succeeds, and nobody
ever reads what is being written. The order of a write is: claim, journal, append, give back; each durable before the
next. So after a crash the journal and the file's name say together whether the batch that comes again is there already.
``receivers/spool.py`` is the other end.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig, Corrupt, NotNow
from logyard.formats.json.frame import frame
from logyard.formats.json.record import records
from logyard.model import origin, timestamp
from logyard.model.batch import Batch, Encoded
from logyard.outputs.appending.journal import sync_directory
from logyard.ports import Place, Refused
from logyard.registry import component
from logyard.types import Json

__all__ = ["Spool", "SpoolConfig"]

_REMEMBERED: Final = 8192
"""Batches: far more than a segment of the log holds, and no other comes again."""
_AGAIN_SECONDS: Final = 1.0
_NAMELESS: Final = "unknown"


class SpoolConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and under which names."""

    directory: str
    """Made if it is not there. One writer for each prefix."""
    prefix: str = "collected_"
    """Before the name of the file that the records come from."""
    source_key: str = ""
    """Key that gets the place that a record comes from, unless it has one: ``source_file``; "": none does."""
    arrival_key: str = ""
    """Key that gets the time at which a record was taken in, unless it has one: ``collected_at``. Records that said no
    time then get none: whoever processes them may find it in their message. "": none does."""


class _Added(msgspec.Struct, frozen=True):
    """A line of the journal."""

    id: str
    number: int
    base: int
    """Bytes of the file before it."""


@component("spool", config=SpoolConfig, example='directory = "/collected-logs"\n')
class Spool:
    """Files that a receiver of the same name takes away, each batch exactly once."""

    def __init__(self, config: SpoolConfig) -> None:
        """Raises ``BadConfig`` for a prefix that would hide the files or lead elsewhere."""
        if config.prefix.startswith(".") or "/" in config.prefix:
            raise BadConfig(f"{config.prefix!r} cannot begin a file's name here: no dot first, no slash", path="prefix")
        self._directory = Path(config.directory)
        self._prefix = config.prefix
        self._source_key = config.source_key
        self._arrival_key = config.arrival_key
        self._files: dict[str, _File] = {}
        self._one_at_a_time = asyncio.Lock()

    async def open(self, place: Place) -> None:
        """Nothing to prepare: what a crash left is put right by the first batch that comes."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the files hold them durably; none is refused. Raises ``NotNow`` when the disk refuses."""
        async with self._one_at_a_time:
            for batch in batches:
                await asyncio.to_thread(self._write, batch)
        return ()

    async def close(self) -> None:
        """Nothing is open between batches."""

    def _write(self, batch: Batch) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for name, lines in self._by_file(batch):
                file = self._files.get(name)
                if file is None:
                    file = self._files[name] = _File(self._directory, name)
                file.add(batch.id.hex(), lines)
        except OSError as error:
            self._files.clear()  # what is known of them may not hold any more
            reason = f"cannot write to {self._directory}: {error.strerror}"
            raise NotNow(reason, retry_after=_AGAIN_SECONDS) from error

    def _by_file(self, batch: Batch) -> Iterator[tuple[str, bytes]]:
        body = batch.body
        rows = frame(body, batch.received) if isinstance(body, Encoded) else body
        for (source,), part in rows.group_by("source", maintain_order=True):
            given = {self._source_key: str(source), self._arrival_key: timestamp.format_ns(batch.received)}
            known = {key: text for key, text in given.items() if key}
            yield self._name(str(source)), _encoded(part, known, timed=not self._arrival_key)

    def _name(self, source: str) -> str:
        return self._prefix + (source.rpartition("/")[2].lstrip(".") or _NAMELESS)


class _File:
    """One of the spool's files, wherever it is at the moment."""

    def __init__(self, directory: Path, name: str) -> None:
        """Put right what a crash left."""
        self._directory = directory
        self._public = directory / name
        self._journal = directory / f".{name}.journal"
        self._added = self._remembered()
        for left in directory.glob(f".{name.replace('[', '[[]')}.*.writing"):
            self._restore(left)

    def add(self, id: str, lines: bytes) -> None:  # noqa: A002 - the batch's id is called so everywhere
        """Durably, unless it was."""
        if any(each.id == id for each in self._added):
            return
        number = self._added[-1].number + 1 if self._added else 1
        mine = self._directory / f".{self._public.name}.{number}.writing"
        try:
            self._public.rename(mine)
        except FileNotFoundError:
            mine.touch(exist_ok=False)
        sync_directory(self._directory)
        self._remember(_Added(id, number, mine.stat().st_size))
        _append(mine, lines)
        mine.rename(self._public)
        sync_directory(self._directory)

    def _restore(self, left: Path) -> None:
        last = self._added[-1] if self._added else None
        if last is not None and left.name == f".{self._public.name}.{last.number}.writing":
            os.truncate(left, last.base)  # its batch comes again
            self._added.pop()
            self._rewrite()
        if left.stat().st_size:
            left.rename(self._public)
        else:
            left.unlink()
        sync_directory(self._directory)

    def _remembered(self) -> list[_Added]:
        if not self._journal.exists():
            return []
        *whole, torn = self._journal.read_bytes().split(b"\n")
        if torn:  # nothing had been added by that line yet
            os.truncate(self._journal, self._journal.stat().st_size - len(torn))
        try:
            return [msgspec.json.decode(line, type=_Added) for line in whole]
        except msgspec.DecodeError as error:
            raise Corrupt(f"{self._journal} is no journal ({error}): remove it, and a batch may be repeated") from error

    def _remember(self, added: _Added) -> None:
        self._added.append(added)
        if len(self._added) > 2 * _REMEMBERED:
            self._added = self._added[-_REMEMBERED:]
            self._rewrite()
        else:
            _append(self._journal, msgspec.json.encode(added) + b"\n")

    def _rewrite(self) -> None:
        draft = self._journal.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        _append(draft, b"".join(msgspec.json.encode(each) + b"\n" for each in self._added))
        draft.rename(self._journal)
        sync_directory(self._directory)


def _encoded(rows: pl.DataFrame, known: dict[str, str], *, timed: bool) -> bytes:
    """``timed``: whether a time that nobody stated is written."""
    found = records(rows)
    if not timed:
        stated = (origin.parse(text).get("timestamp") != "" for text in rows["origin"])
        found = (each if own else _without_time(each) for each, own in zip(found, stated, strict=True))
    return b"".join(msgspec.json.encode(known | record) + b"\n" for record in found)


def _without_time(record: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in record.items() if key != "timestamp"}


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
