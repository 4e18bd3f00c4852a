"""Files that another process hands over, each taken whole: the processor's and the forwarder's way in.

    collected_app.log                      ──► .taken.<nanoseconds>.collected_app.log ──► inlet: durable ──► removed
         whoever writes it adds to it               nobody else touches it any more

A file is claimed by renaming it, read to its end, and removed when the log has its last line. What was read is a mark
of the same log, so that a kill at any moment neither repeats a line nor leaves one out. ``outputs/spool.py`` is the
other end; any program that writes a file aside and renames it into the directory is one too.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote

import msgspec

from logyard.errors import BadConfig, BadInput, LogyardError, NotNow
from logyard.formats.json.settle import block
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.ports import Inlet, Place, Submission
from logyard.receivers.tailing.cut import LongLines, cut
from logyard.receivers.tailing.durable import replace_durably
from logyard.receivers.tailing.events import BytesAbandoned
from logyard.registry import component

__all__ = ["Spool", "SpoolConfig"]

_PIECE: Final = 1 << 20
_CLAIMED: Final = ".taken."
_AGAIN_SECONDS: Final = 0.2
_MEMORY: Final = "taken.json"


class SpoolConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files."""

    directory: str
    """Where they turn up; it may be made later."""
    pattern: str = "*"
    """Of their names: ``collected_*.log``. A name that begins with a dot is never taken."""
    service: str = ""
    """Of records that name none."""
    fields: dict[str, str] = {}
    """Put on every record that has no such key."""
    look_seconds: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """How often to look for files."""
    max_line_bytes: int = 1 << 20
    long_lines: LongLines = "truncate"
    """What happens to longer lines: truncate, split or skip."""


class _Piece(NamedTuple):
    """Whole lines of a claimed file."""

    data: bytes
    end: int
    """Where they end in the file."""


@component("spool", config=SpoolConfig, example='directory = "/collected-logs"\npattern = "collected_*"\n')
class Spool:
    """Takes files away, and their lines exactly once."""

    def __init__(self, config: SpoolConfig) -> None:
        """Raises ``BadConfig`` for a pattern that could match nothing."""
        if "/" in config.pattern:
            raise BadConfig(f"{config.pattern!r} is for names: a slash is never in one", path="pattern")
        self._config = config
        self._directory = Path(config.directory)
        self._reading = msgspec.structs.replace(
            DEFAULT_READING.given({"service": config.service, **config.fields}), kind="raw"
        )
        self._place: Place | None = None
        self._taken: dict[str, int] = {}
        self._finishing = False

    def resume(self, place: Place) -> None:
        """Read how far the claimed files were taken."""
        self._place = place
        with contextlib.suppress(FileNotFoundError):
            self._taken = msgspec.json.decode((place.directory / _MEMORY).read_bytes(), type=dict[str, int])
        self._remember(place.marks)

    def settle(self, marks: Sequence[str]) -> None:
        """Make these durable. Raises ``NotNow`` when the disk refuses."""
        if self._place is None:
            return
        self._remember(marks)
        target = self._place.directory / _MEMORY
        known = self._taken.copy()
        # Of files that are gone nothing need be known: their names never come again.
        here = {_quoted(path.name) for path in self._directory.glob(f"{_CLAIMED}*")}
        for name in known.keys() - here:
            self._taken.pop(name, None)
            del known[name]
        try:
            replace_durably(target, msgspec.json.encode(known))
        except OSError as error:
            raise NotNow(f"cannot write {target}: {error.strerror}", retry_after=_AGAIN_SECONDS) from error

    def finish(self) -> None:
        """Take what is there now, and return from ``run``."""
        self._finishing = True

    async def run(self, inlet: Inlet) -> None:
        """Until cancelled, or until all is taken after ``finish``."""
        if self._place is None:
            raise LogyardError("a receiver of a spool must resume before it runs")
        while True:
            last = self._finishing
            for claimed in await asyncio.to_thread(self._claimed, self._place):
                await self._take(inlet, self._place, claimed)
            if last:
                return
            await asyncio.sleep(0 if self._finishing else self._config.look_seconds)

    def _claimed(self, place: Place) -> Sequence[Path]:
        """What is ours now, in the order in which it was claimed."""
        try:
            names = sorted(entry.name for entry in os.scandir(self._directory) if entry.is_file(follow_symlinks=False))
        except FileNotFoundError:
            return []
        for name in names:
            if not name.startswith(".") and fnmatchcase(name, self._config.pattern):
                with contextlib.suppress(FileNotFoundError):  # its writer was quicker
                    (self._directory / name).rename(self._directory / f"{_CLAIMED}{place.clock.now():020d}.{name}")
        mine = (path for path in self._directory.iterdir() if path.name.startswith(_CLAIMED))
        return sorted(path for path in mine if fnmatchcase(path.name.split(".", 3)[3], self._config.pattern))

    async def _take(self, inlet: Inlet, place: Place, claimed: Path) -> None:
        pieces = self._pieces(claimed, self._taken.get(_quoted(claimed.name), 0))
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            body = block(piece.data, self._reading)
            if body is not None:
                await _hand_in(inlet, body, place=place, mark=f"{piece.end} {_quoted(claimed.name)}")
            self._taken[_quoted(claimed.name)] = piece.end
        await asyncio.to_thread(claimed.unlink, missing_ok=True)

    def _pieces(self, claimed: Path, start: int) -> Iterator[_Piece]:
        """The rest of the file, in blocks of whole lines; the last line need not have an end."""
        with claimed.open("rb") as file:
            file.seek(max(0, start - 1))
            skipping = start > 0 and file.read(1) != b"\n" and self._config.long_lines != "split"
            rest, at = b"", start
            while True:
                data = file.read(_PIECE)
                ended = not data
                rest += data if not ended else b"\n" * bool(rest)
                found = cut(rest, self._config.max_line_bytes, self._config.long_lines, skipping=skipping)
                skipping = found.skipping
                for begin, end, _ in found.pieces:
                    yield _Piece(rest[begin:end], at + end)
                at, rest = at + found.used, rest[found.used :]
                if ended:
                    return

    def _remember(self, marks: Sequence[str]) -> None:
        for mark in marks:
            end, _, name = mark.partition(" ")
            if end.isdecimal():  # a damaged log's marks read as anything
                self._taken[name] = max(int(end), self._taken.get(name, 0))


def _quoted(name: str) -> str:
    """Whatever bytes the name has."""
    return quote(os.fsencode(name))


async def _hand_in(inlet: Inlet, body: Encoded, *, place: Place, mark: str) -> None:
    """However long it takes: the files wait with us."""
    while True:
        try:
            await inlet.accept(Submission(body=body, mark=mark))
        except BadInput as error:
            place.telemetry.emit(BytesAbandoned(reason=type(error).__name__, bytes=len(body.lines)))
            return
        except NotNow as error:
            await asyncio.sleep(max(_AGAIN_SECONDS, error.retry_after))
        else:
            return
