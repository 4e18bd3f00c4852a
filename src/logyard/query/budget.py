"""What queries may cost: how many run at once, and how much each may read, hold and take."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from logyard.config import QueryConfig
from logyard.errors import Backpressure

__all__ = ["Budget"]

_WAITING: Final = 64
"""Queries that wait for a turn; beyond them a query is refused."""


class Budget:
    """One for a process."""

    def __init__(self, limits: QueryConfig, *, waiting: int = _WAITING) -> None:
        """``limits`` are those of one query, but for ``concurrency``."""
        self.limits = limits
        self._most_waiting = waiting
        self._waiting = 0
        self._running = asyncio.Semaphore(limits.concurrency)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A place among the running queries. ``Backpressure`` when too many wait for one."""
        if self._running.locked() and self._waiting >= self._most_waiting:
            raise Backpressure(f"{self._waiting} queries are waiting already", retry_after=1)
        self._waiting += 1
        try:
            await self._running.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._running.release()

    def seconds(self, wanted: float | None) -> float:
        """How long a query may take: what was asked for, up to the limit."""
        return self.limits.timeout if wanted is None else max(0.001, min(wanted, self.limits.timeout))

    def settings(self, timeout: float | None = None) -> Mapping[str, str | int]:
        """Settings of the engine for one query."""
        found: dict[str, str | int] = {
            "max_execution_time": str(self.seconds(timeout)),
            "timeout_overflow_mode": "throw",
            "read_in_order_use_buffering": 0,
            "max_memory_usage": self.limits.max_memory,
            "max_bytes_before_external_group_by": self.limits.max_memory // 2,
            "max_bytes_before_external_sort": self.limits.max_memory // 2,
        }
        if self.limits.max_rows_read:
            found |= {"max_rows_to_read": self.limits.max_rows_read, "read_overflow_mode": "throw"}
        if self.limits.max_bytes_read:
            found |= {"max_bytes_to_read": self.limits.max_bytes_read, "read_overflow_mode": "throw"}
        return found
