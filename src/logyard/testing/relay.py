"""A line between two sockets that ends every conversation in good order, however its ends do.

The engine of ``testing/clickhouse.py`` dies of a connection that is reset (the server program of ClickHouse would only
log it), and whoever is killed amid a conversation resets it. Through a relay the survivors see an orderly end.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["Relays"]

_BLOCK: Final = 1 << 18
_Accepted = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class Relays:
    """Relays in a thread of their own: each from an address to another."""

    def __init__(self, lines: Sequence[tuple[tuple[str, int], tuple[str, int]]]) -> None:
        """Listening when this returns."""
        self._lines = lines
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="relays", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def close(self) -> None:
        """End all of them."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        for (host, port), target in self._lines:
            self._servers.append(await asyncio.start_server(self._accepted(target), host, port))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, target: tuple[str, int]) -> _Accepted:
        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(_carry(reader, writer, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return accepted


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
    try:
        there, back = await asyncio.open_connection(*target)
    except OSError:
        writer.close()
        return
    try:
        await asyncio.gather(_pass(reader, back), _pass(there, writer))
    finally:
        for end in (writer, back):
            end.close()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the source ends; what the sink no longer takes is read all the same, so that nobody is reset."""
    open_ = True
    with contextlib.suppress(OSError):
        while data := await source.read(_BLOCK):
            if not open_:
                continue
            try:
                sink.write(data)
                await sink.drain()
            except OSError:
                open_ = False
    with contextlib.suppress(OSError):
        sink.write_eof()
