"""To an SQLite database, each record exactly once: a run of batches and their ids are one transaction.

    logs(number, id, timestamp, time, level, service, host, source, message, trace_id, span_id, correlation_id, tags,
         attributes)
    logyard_batches(number, batch)      which batches are in it; of the last hundred thousand

``id`` is the batch's id and the record's place in it; ``timestamp`` is RFC 3339 text, ``time`` nanoseconds since 1970;
``tags`` and ``attributes`` are JSON (``json_extract(attributes, '$.user')``). The database is in WAL mode and synced
with every transaction, so that others can read it all the time.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from logyard.errors import DiskFull, LogyardError, NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.rendering.canonical import time_texts
from logyard.outputs.rendering.lines import keys
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["Sqlite", "SqliteConfig"]

_PATH: Final = "collected_logs/collected.sqlite"
_TEXTS: Final = ("level", "service", "host", "source", "message", "trace_id", "span_id", "correlation_id")
_BATCHES: Final = 1 << 17
_WAIT_SECONDS: Final = 5.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS logs(
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, timestamp TEXT NOT NULL, time INTEGER NOT NULL, level TEXT,
    service TEXT, host TEXT, source TEXT, message TEXT, trace_id TEXT, span_id TEXT, correlation_id TEXT, tags TEXT,
    attributes TEXT
);
CREATE INDEX IF NOT EXISTS logs_time ON logs(time);
CREATE INDEX IF NOT EXISTS logs_service_time ON logs(service, time);
CREATE TABLE IF NOT EXISTS logyard_batches(number INTEGER PRIMARY KEY, batch BLOB NOT NULL UNIQUE);
"""
_INSERT: Final = "INSERT INTO logs VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?)"


class SqliteConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which database."""

    path: str = _PATH
    """Its file; made when it is not there. It may hold other tables."""


@component("sqlite", config=SqliteConfig, example=f'path = "{_PATH}"\n')
class Sqlite:
    """A table in an SQLite database."""

    def __init__(self, config: SqliteConfig) -> None:
        self._path = Path(config.path)
        self._lock = asyncio.Lock()

    async def open(self, place: Place) -> None:
        """Nothing to prepare: the tables are made with the first records."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the transaction is durable."""
        async with self._lock:
            await asyncio.to_thread(self._insert, batches)
        return ()

    async def close(self) -> None:
        """Every transaction has a connection of its own."""

    def _insert(self, batches: Sequence[Batch]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
                _fill(connection, batches)
        except sqlite3.OperationalError as error:
            kind = DiskFull if error.sqlite_errorcode == sqlite3.SQLITE_FULL else NotNow
            raise kind(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise LogyardError(f"{self._path}: {error}") from error
        except OSError as error:
            raise NotNow(f"{self._path}: {error.strerror}") from error


def _fill(connection: sqlite3.Connection, batches: Sequence[Batch]) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_SCHEMA)
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = "SELECT 1 FROM logyard_batches WHERE batch = ?"
        new = [batch for batch in batches if connection.execute(known, (batch.id,)).fetchone() is None]
        if new:
            connection.executemany(_INSERT, _rows(new))
            connection.executemany("INSERT INTO logyard_batches(batch) VALUES (?)", [(batch.id,) for batch in new])
            connection.execute(
                "DELETE FROM logyard_batches WHERE number <= (SELECT max(number) FROM logyard_batches) - ?", (_BATCHES,)
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _rows(batches: Sequence[Batch]) -> Iterator[tuple[object, ...]]:
    frame = joined(batches)
    tags = pl.Series("tags", [msgspec.json.encode(each.to_list()).decode() for each in frame["tags"]], dtype=pl.String)
    table = frame.select(
        pl.Series("id", keys(batches)),
        time_texts(frame).alias("text"),
        pl.col("timestamp").cast(pl.Int64),
        *_TEXTS,
        tags,
        "attributes",
    )
    return table.iter_rows()
