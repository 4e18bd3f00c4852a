"""To a file of comma-separated values (RFC 4180), each record exactly once.

The columns are settled before the first record comes: ours, then the attributes that ``fields`` names, then
``attributes``, which holds as JSON whatever else a record has. So no record is without a column for all it has, and no
line that was written ever changes. Lines end in CRLF; a field that holds a comma, a quote or a line's end is quoted.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.model.schema import ATTRIBUTES
from logyard.outputs.appending.appender import Appender, Texts
from logyard.outputs.appending.archive import Rotation
from logyard.outputs.appending.paths import Paths
from logyard.outputs.rendering.canonical import rest, time_texts
from logyard.ports import Place, Refused
from logyard.registry import component
from logyard.types import Json

__all__ = ["Csv", "CsvConfig"]

_COLUMNS: Final = (
    "timestamp",
    "level",
    "service",
    "host",
    "source",
    "message",
    "trace_id",
    "span_id",
    "correlation_id",
    "tags",
)
_PATH: Final = "collected_logs/collected.csv"


class CsvConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file, and which columns."""

    path: str = _PATH
    """No other program, and no other output, may write to it."""
    fields: tuple[str, ...] = ()
    """Attributes that get a column of their own. Of another choice, begin another file: the header stays as it is."""
    rotation: Rotation = Rotation()
    """When a file is complete, and what then."""


@component("csv", config=CsvConfig, example=f'path = "{_PATH}"\nfields = ["user_id", "status"]\n')
class Csv:
    """One file of comma-separated values, with a header."""

    def __init__(self, config: CsvConfig) -> None:
        """Raises ``BadConfig``."""
        paths = Paths(config.path)
        columns = [*_COLUMNS, *config.fields, ATTRIBUTES]
        if not paths.single or len(set(columns)) < len(columns):
            raise BadConfig("one single path, and no column twice", path="path")
        self._path = paths.single
        self._fields = config.fields
        header = pl.DataFrame({name: [] for name in columns}).write_csv(line_terminator="\r\n")
        self._appender = Appender(paths, config.rotation, header.encode())

    async def open(self, place: Place) -> None:
        """Read what was added before."""
        await self._appender.open(place)

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when they are in the file, durably and once."""
        await self._appender.add(batches, self._texts)
        return ()

    async def close(self) -> None:
        """Close the file."""
        await self._appender.close()

    def used_bytes(self) -> float:
        """Disk that the complete files use."""
        return self._appender.used_bytes()

    def _texts(self, batches: Sequence[Batch]) -> Texts:
        frame = joined(batches)
        own, others = _parted(frame, self._fields)
        table = frame.with_columns(time_texts(frame).alias("timestamp"), pl.col("tags").list.join(" "))
        table = table.select(_COLUMNS).with_columns(*own, others).select(pl.all().replace("", None))
        return {self._path: table.write_csv(include_header=False, line_terminator="\r\n").encode()}


def _parted(frame: pl.DataFrame, fields: Sequence[str]) -> tuple[Sequence[pl.Series], pl.Series]:
    """The named attributes, a column each, and the others as JSON."""
    if not fields:
        return (), frame[ATTRIBUTES].replace("{}", None)
    rows = rest(frame)
    own = [pl.Series(name, [_text(row.pop(name, None)) for row in rows], dtype=pl.String) for name in fields]
    others = [msgspec.json.encode(row).decode() if row else "" for row in rows]
    return own, pl.Series(ATTRIBUTES, others, dtype=pl.String)


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
