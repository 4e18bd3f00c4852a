"""Parquet files into a Logyard: our own as they were, those of others by the known spellings of their columns.

A file of ours has every column of the store: its rows go in with their ids, each once, also when they come again. Of
another file each piece goes the way of every sender's records, under a key made of the file's content and the piece's
place in it: so a file is stored once, whenever and from wherever it comes again, and an import that was stopped goes
on.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from logyard.cli.progress import Progress
from logyard.cli.yard import Yard
from logyard.errors import BadPayload
from logyard.store.holdings import arrow
from logyard.store.mapping import COLUMNS
from logyard.store.places import Place

__all__ = ["Import", "Imported"]

_ROWS: Final = 50_000
_BYTES: Final = 16 << 20
_SUFFIX: Final = ".parquet"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did."""

    files: int = 0
    rows: int = 0
    stored: int = 0
    """Of those that were there already it is only known for files of ours."""


class Import:
    """Into one Logyard."""

    def __init__(self, yard: Yard, progress: Progress) -> None:
        self._yard = yard
        self._progress = progress

    def run(self, place: Place, names: list[str]) -> Imported:
        """Take the files. Raises ``BadPayload`` that names a file that is no Parquet."""
        done = Imported()
        for name in names:
            with _here(place, name) as path:
                rows, stored = self._file(f"{place.url}/{name}", path)
            done = Imported(files=done.files + 1, rows=done.rows + rows, stored=done.stored + stored)
        return done

    @staticmethod
    def files(place: Place) -> list[str]:
        """The Parquet files in a place."""
        return [name for name, _ in place.list() if name.endswith(_SUFFIX)]

    def _file(self, name: str, path: Path) -> tuple[int, int]:
        try:
            lazy = pl.scan_parquet(path, glob=False)
            columns = lazy.collect_schema().names()
            height: int = lazy.select(pl.len()).collect().item()
        except (pl.exceptions.PolarsError, OSError, ValueError) as error:
            raise BadPayload(f"{name} is no Parquet file: {error}") from error
        self._progress.expect(height)
        ours = set(COLUMNS) <= set(columns)
        with path.open("rb") as file:
            mark = hashlib.file_digest(file, "sha256").hexdigest()
        rows = stored = 0
        for number, frame in enumerate(_pieces(lazy, height)):
            if ours:
                taken = self._yard.add(arrow(frame.select(COLUMNS)))
                rows, stored = rows + taken.rows, stored + taken.stored
            else:
                accepted = self._yard.send(_lines(frame), f"import-{mark}-{number}")
                rows, stored = rows + frame.height, stored + accepted
            self._progress.advance(frame.height, name)
        return rows, stored


@contextmanager
def _here(place: Place, name: str) -> Iterator[Path]:
    """A file of the place as one of this machine: a large one is never held in memory."""
    path = place.path(name)
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=_SUFFIX) as copy:
        with place.read(name) as pieces:
            copy.writelines(pieces)
        copy.flush()
        yield Path(copy.name)


def _pieces(lazy: pl.LazyFrame, height: int) -> Iterator[pl.DataFrame]:
    """The same pieces of the same file, always: a piece's number is part of its key."""
    for start in range(0, height, _ROWS):
        frame = lazy.slice(start, _ROWS).collect()
        parts = max(1, int(frame.estimated_size()) // _BYTES + 1)
        yield from frame.iter_slices(frame.height // parts + 1)


def _lines(frame: pl.DataFrame) -> bytes:
    """Rows as lines of JSON; bytes are text where they can be, hexadecimal where not."""
    binary = [
        pl.Series(name, [None if value is None else _text(value) for value in frame[name]], dtype=pl.String())
        for name, kind in frame.schema.items()
        if kind == pl.Binary()
    ]
    times = [
        pl.col(name).dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.9fZ")
        if getattr(kind, "time_zone", None)
        else pl.col(name).dt.to_string("%Y-%m-%dT%H:%M:%S%.9fZ")
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.Datetime)
    ]
    return frame.with_columns(*binary, *times).write_ndjson().encode()


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
