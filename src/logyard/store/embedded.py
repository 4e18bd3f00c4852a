"""The embedded store: ClickHouse in this process (chDB). The only module that imports it.

What the engine does that one would not expect, and what is done about it (all measured, docs/adr/0001-schema.md):

- One engine and one data path a process; it stops when the last connection closes. So one connection, the keeper,
  stays.
- Queries on one connection wait for each other, on different ones they run in parallel: so there is a pool. A streaming
  answer has its connection to itself until it is closed.
- ``send_insert`` reports errors of the storage side as success. So inserts are ``INSERT ... SELECT``, which raise.
- A query that fails while it runs leaves its bytes in the connection, before those of the *next* answer: a connection
  on which anything failed is closed, never used again.
- A deduplication token marks blocks by their number: only an insert of exactly one block may come again
  (``settings.py``).
- A wide part holds many files open: the limit of descriptors is raised at the start.
- Its start touches 130 MB of its own code once: ``store/residency.py`` lets go of it.
"""

import queue
import resource
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chdb
import polars as pl

from logyard.errors import LogyardError, StoreFailed
from logyard.model.batch import Receipt
from logyard.ports import Parcel, Retention, Rows, Sink, Statement, StoreStats
from logyard.store.engine_errors import meaning
from logyard.store.keyed import keyed_rows, known_batches, receipts
from logyard.store.mapping import COLUMNS, literal
from logyard.store.migrate import migrate
from logyard.store.parcel import Insert, inserts, scratch_file
from logyard.store.residency import let_go_of_code
from logyard.store.retention import Disk, Partition, expired
from logyard.store.settings import INSERT_SETTINGS, listed, with_settings
from logyard.store.tiers import POLICY, Tiers, engine_config
from logyard.store.whole import WholeSink
from logyard.types import BatchId, Nanoseconds

__all__ = ["EmbeddedStore"]

_SURVEY_SETTINGS: Mapping[str, str | int] = {"input_format_max_block_size_bytes": 1 << 20, "max_threads": 1}
_PARTS = "FROM system.parts WHERE active AND database = currentDatabase() AND table = 'logs'"
_EXTENT = "count(), toUnixTimestamp64Nano(min(timestamp)), toUnixTimestamp64Nano(max(timestamp))"
"""Answered from the parts' own minima and maxima: no data is read."""
_DESCRIPTORS = 65_536


class EmbeddedStore:
    """``ports.Store`` on an engine inside this process. One a process."""

    def __init__(self, directory: Path, *, sequential_ids: bool = False, tiers: Tiers | None = None) -> None:
        """Start the engine on ``directory`` and bring its schema up to date.

        ``tiers`` below it, the nearest first: what once moved there is only found as long as they are given.
        """
        directory.mkdir(parents=True, exist_ok=True)
        _raise_descriptor_limit()
        self._directory = directory.absolute()
        self._scratch = self._directory.parent / "scratch"
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        self._sequential = sequential_ids
        self._config = self._configured(tiers or Tiers())
        try:
            self._keeper = self._connect()
        except Exception as error:
            hint = "" if tiers is not None and tiers.below else self._tiered()
            raise StoreFailed(f"cannot start the engine on {directory}: {hint}{error}") from error
        chdb._chdb.set_signal_handlers_enabled(0)  # type: ignore[attr-defined]  # noqa: SLF001 - the only way there is
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        migrate(self._execute, self._versions)
        let_go_of_code("_chdb")
        if tiers is not None and tiers.below:
            self._execute(f"ALTER TABLE logs MODIFY SETTING storage_policy = '{POLICY}'")

    def sinks(self) -> Sequence[Sequence[Sink]]:
        """It is one piece."""
        return [[WholeSink(self)]]

    def insert(self, parcel: Parcel) -> None:
        """Store one sealed segment, once: in one block for each way of reading, then remember its keyed batches."""
        try:
            for step in inserts(parcel, self._scratch, self._survey, sequential=self._sequential):
                self._insert(step)
        except LogyardError:
            raise
        except Exception as error:  # the scratch file meets the same full disk as the engine does
            raise meaning(error) from error
        finally:
            scratch_file(self._scratch, parcel).unlink(missing_ok=True)
        if rows := keyed_rows(parcel.batches):
            self._execute(f"INSERT INTO keyed_batches VALUES {rows}")

    def load(self, rows: Rows) -> None:
        """Store rows that are whole already."""
        path = self._scratch / f"{rows.token.replace('/', '_')}.rows"
        columns = ", ".join(rows.frame.columns)
        try:
            rows.frame.write_ipc_stream(path, compat_level=pl.CompatLevel.oldest())
            source = f"file({literal(str(path))}, ArrowStream)"
            settings = {**INSERT_SETTINGS, "insert_deduplication_token": rows.token}
            insert = f"INSERT INTO {rows.table} ({columns}) SETTINGS {listed(settings)}"
            self._execute(f"{insert} SELECT {columns} FROM {source}")
        except LogyardError:
            raise
        except Exception as error:  # the scratch file meets the same full disk as the engine does
            raise meaning(error) from error
        finally:
            path.unlink(missing_ok=True)

    def query(self, statement: Statement) -> pl.DataFrame:
        """The whole answer."""
        with self._connection() as connection:
            answer = self._run(connection, statement.sql, statement.settings)
            if not answer.size():
                return pl.DataFrame()
            return pl.read_ipc_stream(answer.bytes())

    @contextmanager
    def stream(self, statement: Statement) -> Iterator[Iterator[pl.DataFrame]]:
        """The answer in pieces. Leaving the context stops the engine's work for it."""
        with self._connection() as connection:
            sql = with_settings(statement.sql, statement.settings)
            try:
                answer = connection.send_query(sql, "Arrow")
            except Exception as error:
                raise meaning(error, query=statement.sql) from error
            try:
                yield _frames(answer, statement.sql)
            finally:
                answer.close()

    def stop(self, mark: str) -> None:
        """End the statements whose setting ``log_comment`` is ``mark``; they may be done already."""
        self._execute(f"KILL QUERY WHERE Settings['log_comment'] = {literal(mark)} ASYNC")

    def known(self, keys: Sequence[BatchId]) -> Mapping[BatchId, Receipt]:
        """Which of these keyed batches are stored, and what they got."""
        return receipts(self.query(Statement(sql=known_batches(keys)))) if keys else {}

    def retain(self, retention: Retention, now: Nanoseconds) -> Sequence[str]:
        """Drop what the rules say; the partitions that went."""
        usage = shutil.disk_usage(self._directory)
        gone = expired(self._partitions(), retention, Disk(total=usage.total, used=usage.used), now=now)
        for partition in gone:
            self._execute(f"ALTER TABLE logs DROP PARTITION ID {literal(partition.name)}")
        if gone:
            self._execute("DELETE FROM facets WHERE hour < (SELECT toStartOfHour(min(timestamp)) FROM logs)")
        return [partition.name for partition in gone]

    def stats(self) -> StoreStats:
        """From what the engine knows of its parts; reads no data."""
        sizes = f"SELECT sum(bytes_on_disk), sum(data_uncompressed_bytes), count(), uniqExact(partition_id) {_PARTS}"
        disk, raw, parts, partitions = self.query(Statement(sql=sizes)).row(0)
        rows, oldest, newest = self.query(Statement(sql=f"SELECT {_EXTENT} FROM logs")).row(0)
        return StoreStats(
            rows=rows,
            bytes_on_disk=disk,
            bytes_uncompressed=raw,
            parts=parts,
            partitions=partitions,
            oldest=Nanoseconds(oldest) if rows else None,
            newest=Nanoseconds(newest) if rows else None,
        )

    def close(self) -> None:
        """Give all connections back; the engine stops with the last."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._keeper.close()

    def _insert(self, step: Insert) -> None:
        settings = {**INSERT_SETTINGS, "insert_deduplication_token": step.token}
        with self._connection() as connection:
            try:
                connection.query(_insert_sql(step.select, settings))
            except Exception as error:
                raise meaning(error) from error

    def _survey(self, sql: str) -> pl.DataFrame:
        return self.query(Statement(sql=sql, settings=_SURVEY_SETTINGS))

    def _partitions(self) -> list[Partition]:
        sizes = self.query(
            Statement(sql=f"SELECT partition_id, sum(bytes_on_disk) AS size {_PARTS} GROUP BY partition_id")
        )
        extents = self.query(Statement(sql=f"SELECT _partition_id, {_EXTENT} FROM logs GROUP BY _partition_id"))
        newest = {name: last for name, _, _, last in extents.rows()}
        return [
            Partition(name=name, newest=Nanoseconds(newest[name]), bytes=size)
            for name, size in sizes.rows()
            if name in newest
        ]

    def _versions(self) -> set[int]:
        found = self.query(Statement(sql="SELECT version FROM schema_migrations"))
        return set(found["version"]) if found.width else set()

    def _execute(self, sql: str) -> None:
        with self._connection() as connection:
            self._run(connection, sql, {})

    def _run(self, connection: Any, sql: str, settings: Mapping[str, str | int]) -> Any:
        try:
            return connection.query(with_settings(sql, settings), "ArrowStream")
        except Exception as error:
            raise meaning(error, query=sql) from error

    def _connect(self) -> Any:
        return chdb.connect(f"{self._directory}?config-file={self._config}")

    def _tiered(self) -> str:
        """Words for somebody who took the tiers away from a store that uses them."""
        definitions = (self._directory / "store").rglob("logs.sql")
        if any(f"storage_policy = '{POLICY}'" in each.read_text() for each in definitions):
            return "records of it lie in tiers; put the section [tiers] back as it was. "
        return ""

    def _configured(self, tiers: Tiers) -> Path:
        """The engine's configuration as a file; it holds secrets."""
        path = self._directory.parent / "engine.xml"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(engine_config(tiers, cache=self._directory / "cache"))
        return path

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A connection of one's own. Kept for the next one, unless something went wrong on it."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)


def _frames(answer: Any, sql: str) -> Iterator[pl.DataFrame]:
    """Pieces of a streaming answer."""
    try:
        for batch in answer.record_batch():
            frame = pl.from_arrow(batch)
            if isinstance(frame, pl.DataFrame) and frame.height:
                yield frame
    except Exception as error:
        raise meaning(error, query=sql) from error


def _insert_sql(select: str, settings: Mapping[str, str | int]) -> str:
    return f"INSERT INTO logs ({', '.join(COLUMNS)}) SETTINGS {listed(settings)} {select}"


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
