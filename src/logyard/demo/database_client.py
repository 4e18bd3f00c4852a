"""A program that asks a database: queries of all kinds, a pool of connections, and a rush every few minutes.

Of a hundred queries five fail and ten are slow (more than a second). A query holds its connection until its
transaction ends; with all connections taken, queries wait. The rush makes the pool's use go above 80 %.
"""

from collections import deque
from typing import Final

from logyard.demo.agenda import Agenda, Story
from logyard.demo.chance import Chance
from logyard.demo.database_lines import Cost, Pool, Query, QueryStatus
from logyard.demo.lines import data_line, iso, message_line
from logyard.demo.pace import SECOND
from logyard.demo.writing import LogDirectory

__all__ = ["POOL_SIZE", "DatabaseClient"]

POOL_SIZE: Final = 10
_FAILED_PERCENT: Final = 5
_SLOW_PERCENT: Final = 10
_HIGH_PERCENT: Final = 80
_SUMMARY_SECONDS: Final = 10.0
_MEAN_INTERVAL: Final = 0.5
_RUSH_EVERY: Final = 240
_RUSH_SECONDS: Final = 30
_RUSH_FACTOR: Final = 6

_TYPES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
_TYPE_WEIGHTS: Final = (70, 15, 12, 3)
_TABLES: Final = ("users", "orders", "products", "sessions", "payments", "inventory")
_CONDITIONS: Final = ("id = ?", "created_at > ?", "status = ?", "user_id = ? AND status = ?", "email LIKE ?")
_ERRORS: Final = (
    "Connection timeout while waiting for the database",
    "Deadlock detected",
    "Duplicate key violates a unique constraint",
    "Permission denied for the table",
    "Connection lost in the middle of the query",
)


class DatabaseClient:
    """Writes ``database-queries.log`` and ``database-performance.log``."""

    def __init__(self, agenda: Agenda, logs: LogDirectory, seed: int) -> None:
        """Begins its stories on the agenda."""
        self._agenda = agenda
        self._chance = Chance(seed, "database-client")
        self._queries = logs.open("database-queries.log")
        self._performance = logs.open("database-performance.log")
        self._started_at = agenda.now
        self._waiting: deque[Query] = deque()
        self._active = 0
        self._total = 0
        self._asked = 0
        agenda.begin(self._arrivals())
        agenda.begin(self._summaries())

    def _arrivals(self) -> Story:
        while True:
            yield self._chance.interval(_MEAN_INTERVAL / (_RUSH_FACTOR if self._is_rush() else 1))
            self._waiting.append(self._drawn())
            if self._active < POOL_SIZE:
                self._active += 1
                self._agenda.begin(self._connection())

    def _is_rush(self) -> bool:
        """The last seconds of every few minutes."""
        seconds = (self._agenda.now - self._started_at) // SECOND
        return seconds % _RUSH_EVERY >= _RUSH_EVERY - _RUSH_SECONDS

    def _drawn(self) -> Query:
        self._asked += 1
        return Query(
            query_id=f"q-{self._asked:07}-{self._chance.hexadecimal(6)}",
            type=self._chance.weighted(_TYPES, _TYPE_WEIGHTS),
            table=self._chance.pick(_TABLES),
            conditions=self._chance.pick(_CONDITIONS),
            timestamp=iso(self._agenda.now),
            status="started",
        )

    def _connection(self) -> Story:
        """Serves who waits, and is given back."""
        while self._waiting:
            yield from self._query(self._waiting.popleft())
            yield self._chance.between(0.2, 1.5)  # until the transaction ends
        self._active -= 1

    def _query(self, asked: Query) -> Story:
        self._total += 1
        self._note(asked, "started")
        milliseconds = round(self._milliseconds(), 2)
        yield milliseconds / 1000
        if self._chance.happens(_FAILED_PERCENT):
            self._note(asked, "failed", execution_time_ms=milliseconds, error=self._chance.pick(_ERRORS))
        else:
            rows = self._chance.whole(0, 500) if asked.type == "SELECT" else self._chance.whole(1, 20)
            self._note(asked, "completed", execution_time_ms=milliseconds, rows_affected=rows)
        self._performance.write(data_line(self._agenda.now, self._cost(asked.query_id, milliseconds)))

    def _milliseconds(self) -> float:
        if self._chance.happens(_SLOW_PERCENT):
            return self._chance.between(1_000.01, 7_000)
        return self._chance.between(2, 90) if self._chance.happens(70) else self._chance.between(90, 900)

    def _note(
        self,
        asked: Query,
        status: QueryStatus,
        *,
        execution_time_ms: float | None = None,
        rows_affected: int | None = None,
        error: str | None = None,
    ) -> None:
        line = Query(
            query_id=asked.query_id,
            type=asked.type,
            table=asked.table,
            conditions=asked.conditions,
            timestamp=iso(self._agenda.now),
            status=status,
            execution_time_ms=execution_time_ms,
            rows_affected=rows_affected,
            error=error,
        )
        self._queries.write(data_line(self._agenda.now, line))

    def _cost(self, query_id: str, milliseconds: float) -> Cost:
        return Cost(
            query_id=query_id,
            execution_time_ms=milliseconds,
            cpu_usage_percent=round(min(99.0, self._chance.between(1, 15) + milliseconds / 100), 1),
            memory_usage_mb=round(self._chance.between(8, 64) + milliseconds / 50, 1),
            disk_io_kb=self._chance.whole(4, 4096),
            network_io_kb=self._chance.whole(1, 512),
        )

    def _summaries(self) -> Story:
        while True:
            yield _SUMMARY_SECONDS
            percent = round(100 * self._active / POOL_SIZE, 1)
            pool = Pool(
                active_connections=self._active,
                pool_size=POOL_SIZE,
                utilization_percent=percent,
                total_queries=self._total,
            )
            self._performance.write(data_line(self._agenda.now, pool))
            if percent > _HIGH_PERCENT:
                message = f"High connection pool utilization: {percent} % ({self._active} of {POOL_SIZE})"
                self._performance.write(message_line(self._agenda.now, "WARNING", message))
