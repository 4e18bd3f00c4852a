"""The store, asked from the event loop: its blocking calls run in threads, within the budget.

A query that nobody waits for any more is stopped in the engine, not only forgotten: a streaming answer is
closed between two pieces, and a call that is still at work is killed by the mark that it carries.
"""

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

import polars as pl

from logyard.errors import LogyardError
from logyard.ports import Statement, Store
from logyard.query.budget import Budget

__all__ = ["Engine"]

_AHEAD: Final = 4
"""Pieces that are read before the reader of an answer asks for them."""

Result = TypeVar("Result")
NO_SETTINGS: Final[Mapping[str, str | int]] = {}
Piece = pl.DataFrame | BaseException | None


class Engine:
    """One for a process. Use from one event loop."""

    def __init__(self, store: Store, budget: Budget) -> None:
        """``store`` is borrowed: ``close`` leaves it open."""
        self._store = store
        self._budget = budget
        process = os.urandom(4).hex()  # others may ask the same store
        self._marks = (f"logyard-{process}-{number}" for number in itertools.count(1))
        # One thread more than may run: to kill what runs.
        self._threads = ThreadPoolExecutor(budget.limits.concurrency + 1, thread_name_prefix="query")

    async def ask(
        self, sql: str, *, seconds: float | None = None, settings: Mapping[str, str | int] = NO_SETTINGS
    ) -> pl.DataFrame:
        """The whole answer, within so many seconds.

        Raises ``QueryStopped``, ``BadQuery``, ``Backpressure`` or ``StoreFailed``.
        """
        statement, mark = self._statement(sql, seconds, settings)
        async with self._budget.turn():
            return await self._run(lambda: self._store.query(statement), mark)

    async def stream(self, sql: str, *, seconds: float | None = None) -> AsyncGenerator[pl.DataFrame, None]:
        """The answer in pieces. Closing the generator stops the engine's work."""
        statement, mark = self._statement(sql, seconds, {})
        async with self._budget.turn():
            reading = _Reading(self._store, statement, asyncio.get_running_loop())
            done = asyncio.get_running_loop().run_in_executor(self._threads, reading.run)
            finished = False
            try:
                async for piece in reading.pieces():
                    yield piece
                finished = True
            finally:
                reading.stop()
                if not finished and not done.done():
                    await self._kill(mark)
                await asyncio.shield(done)

    def close(self) -> None:
        """Wait for the calls that are under way."""
        self._threads.shutdown()

    def _statement(self, sql: str, seconds: float | None, more: Mapping[str, str | int]) -> tuple[Statement, str]:
        mark = next(self._marks)
        return Statement(sql=sql, settings={**self._budget.settings(seconds), **more, "log_comment": mark}), mark

    async def _run(self, call: Callable[[], Result], mark: str) -> Result:
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await self._kill(mark)
            with suppress(LogyardError):
                await asyncio.shield(future)
            raise

    async def _kill(self, mark: str) -> None:
        """Stop what carries the mark; it may be done already."""
        with suppress(LogyardError):
            await asyncio.get_running_loop().run_in_executor(self._threads, self._store.stop, mark)


class _Reading:
    """A streaming answer on its way from a thread to the event loop."""

    def __init__(self, store: Store, statement: Statement, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._statement = statement
        self._loop = loop
        self._queue: asyncio.Queue[Piece] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._stopped = threading.Event()

    def run(self) -> None:
        """In the thread: read until the end, an error, or ``stop``."""
        try:
            with self._store.stream(self._statement) as frames:
                self._pass_on(frames)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is read
            self._put(error)
        else:
            self._put(None)

    async def pieces(self) -> AsyncIterator[pl.DataFrame]:
        """In the event loop."""
        while (piece := await self._queue.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            self._room.release()
            yield piece

    def stop(self) -> None:
        """Read no further."""
        self._stopped.set()
        self._room.release()

    def _pass_on(self, frames: Iterator[pl.DataFrame]) -> None:
        for frame in frames:
            self._room.acquire()
            if self._stopped.is_set():
                return
            self._put(frame)

    def _put(self, piece: Piece) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._queue.put_nowait, piece)
