"""Stored records read as entries, and entries as a frame for filters: one way for every storage.

Also for what others have stored beside this service: keys that fill the columns of ``model/schema.py`` do so here, and
whatever an entry has no field for is in its ``metadata``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
import polars as pl

from logyard.feed.entry import LogEntry
from logyard.feed.level import LogLevel
from logyard.formats.json.lines import frame
from logyard.model.batch import Encoded
from logyard.types import Nanoseconds

__all__ = ["Timed", "entries_of", "entries_of_sent", "frame_of"]

_COLUMNS: Final = ("timestamp", "level", "service", "message", "correlation_id", "attributes")
_EMPTY: Final = frozenset({"message", "service_name"})
"""Keys that fill no column when they hold nothing."""
_JSON: Final = msgspec.json.Encoder(enc_hook=dict)
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])


class Timed(NamedTuple):
    """An entry, and when it happened in nanoseconds: what answers are ordered by."""

    time: int
    entry: LogEntry


def entries_of(ids: Sequence[str], rows: pl.DataFrame) -> list[Timed]:
    """The rows of a canonical frame, each with its id."""
    cut = rows.select(_COLUMNS).with_columns(pl.col("timestamp").to_physical())
    return [Timed(row[0], _entry(log_id, *row)) for log_id, row in zip(ids, cut.rows(), strict=True)]


def entries_of_sent(records: Sequence[Mapping[str, object]]) -> list[Timed]:
    """Records as a server gives them back, with their ids."""
    if not records:
        return []
    lines = _JSON.encode_lines([{name: value for name, value in row.items() if name != "id"} for row in records])
    return entries_of([str(row["id"]) for row in records], _frame(lines, len(records)))


def frame_of(entries: Sequence[LogEntry]) -> pl.DataFrame:
    """Entries, at least one, in the columns of ``model/schema.py``."""
    return _frame(_JSON.encode_lines(entries), len(entries))


def _frame(lines: bytes, rows: int) -> pl.DataFrame:
    return frame(Encoded(lines=lines.removesuffix(b"\n"), rows=rows), Nanoseconds(0))


def _entry(log_id: str, *row: object) -> LogEntry:
    nanoseconds, level, service, message, correlation_id, attributes = row
    known = _OBJECT.decode(str(attributes))
    return LogEntry(
        id=log_id,
        timestamp=_instant(int(str(nanoseconds))),
        level=LogLevel(str(level)) if level else LogLevel.INFO,
        service_name=str(service),
        message=str(message),
        source_ip=_taken_text(known, "source_ip"),
        correlation_id=str(correlation_id),
        metadata=dict(_metadata(known)),
    )


def _instant(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def _taken_text(known: dict[str, object], name: str) -> str:
    return str(known.pop(name)) if isinstance(known.get(name), str) else ""


def _metadata(known: dict[str, object]) -> Iterator[tuple[str, object]]:
    own = known.pop("metadata", None)
    if isinstance(own, dict):
        yield from own.items()
    elif own is not None:
        yield "metadata", own
    for name, value in known.items():
        if not (isinstance(own, dict) and name in own) and (value != "" or name not in _EMPTY):
            yield name, value
