"""Records as Parquet files in a place, a folder for each partition.

_export.json                       what was asked, and as of when; "complete" once everything is there
20261125/5984352-5984361.parquet   the five minutes of these numbers; -2of8 behind it where one needs more files
"""

import io
from typing import Final

import msgspec
import polars as pl

from logyard.cli.progress import Progress
from logyard.cli.yard import Yard
from logyard.errors import BadInput, Corrupt, NotFound
from logyard.store.partitions import Extent, Limits, Slice, plan
from logyard.store.places import Place

__all__ = ["Export", "Exported", "Question"]

_NOTE: Final = "_export.json"
_SUFFIX: Final = ".parquet"
_FILE: Final = Limits(rows=250_000, bytes=64 << 20)
"""Small enough to be held in memory on both ends."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which records."""

    query: str = ""
    start: str = ""
    end: str = ""
    partitions: tuple[str, ...] = ()

    def filters(self) -> dict[str, str]:
        """As parameters."""
        pairs = {"query": self.query, "start": self.start, "end": self.end}
        return {name: value for name, value in pairs.items() if value}

    def is_like(self, other: "Question") -> bool:
        """The same but for its times, which may be relative."""
        return (self.query, self.partitions) == (other.query, other.partitions)


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The note."""

    question: Question
    until: int
    """Records received before then; nanoseconds."""
    complete: bool = False
    rows: int = 0
    files: int = 0


class Export:
    """One export."""

    def __init__(self, yard: Yard, place: Place, progress: Progress) -> None:
        self._yard = yard
        self._place = place
        self._progress = progress
        self._there: dict[str, int] = {}

    def run(self, question: Question) -> Exported:
        """Write what is not there yet. Raises ``BadInput`` for a place that holds something else."""
        self._there = dict(self._place.list())
        note = self._noted(question)
        yard = self._yard.only((note.question if note is not None else question).filters())
        held = yard.partitions(note.until if note is not None else 0)
        if note is None:
            note = Exported(question=question, until=held.until)
            self._place.write(_NOTE, msgspec.json.encode(note))
        chosen = [each for each in held.partitions if not question.partitions or each.name in question.partitions]
        _known(question, [each.name for each in held.partitions])
        self._progress.expect(sum(each.rows for each in chosen))
        files = sum(self._partition(yard, extent, note.until) for extent in chosen)
        done = msgspec.structs.replace(note, complete=True, rows=sum(each.rows for each in chosen), files=files)
        self._place.write(_NOTE, msgspec.json.encode(done))
        return done

    def _noted(self, question: Question) -> Exported | None:
        """The note of an export that was stopped."""
        if not self._there:
            return None
        try:
            with self._place.read(_NOTE) as pieces:
                note = msgspec.json.decode(b"".join(pieces), type=Exported)
        except NotFound as error:
            raise BadInput(f"{self._place.url} is not empty and holds no export: take a new folder") from error
        except msgspec.DecodeError as error:
            raise Corrupt(f"{self._place.url}/{_NOTE} is damaged: {error}") from error
        if note.complete or not note.question.is_like(question):
            raise BadInput(f"{self._place.url} holds another export: take a new folder")
        return note

    def _partition(self, yard: Yard, extent: Extent, until: int) -> int:
        """How many files it has."""
        found = yard.buckets(extent, until)
        files = rows = 0
        for piece in plan(found, frozenset(bucket.number for bucket in found), _FILE):
            name = _name(extent, piece)
            if name in self._there:
                count = self._counted(name)
            else:
                frame = pl.read_ipc_stream(io.BytesIO(yard.rows(extent.name, piece, until)))
                count = frame.height
                if count:
                    self._place.write(name, _parquet(frame))
            rows, files = rows + count, files + (count > 0)
            self._progress.advance(piece.rows, extent.name)
        wanted = sum(bucket.rows for bucket in found)
        if rows != wanted:
            raise Corrupt(f"{self._place.url}/{extent.name} holds {rows:,} records instead of {wanted:,}: export anew")
        return files

    def _counted(self, name: str) -> int:
        """Rows of a file that an earlier try has written."""
        with self._place.read(name) as pieces:
            whole = io.BytesIO(b"".join(pieces))
        counted: int = pl.scan_parquet(whole).select(pl.len()).collect().item()
        return counted


def _name(extent: Extent, piece: Slice) -> str:
    part = f"-{piece.part + 1}of{piece.parts}" if piece.parts > 1 else ""
    return f"{extent.name}/{piece.first}-{piece.last}{part}{_SUFFIX}"


def _parquet(frame: pl.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.sort("timestamp", "id").write_parquet(sink, compression="zstd", row_group_size=50_000)
    return sink.getvalue()


def _known(question: Question, names: list[str]) -> None:
    missing = [name for name in question.partitions if name not in names]
    if missing:
        raise BadInput(f"there is no partition {', '.join(missing)}; there are: {', '.join(names) or 'none'}")
