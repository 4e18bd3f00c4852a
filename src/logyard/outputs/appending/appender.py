"""What the outputs to files have in common: one at a time, off the event loop, looked after while nothing comes."""

import asyncio
import contextlib
import errno
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from logyard.clock import Clock
from logyard.errors import DiskFull, LogyardError, NotNow
from logyard.model.batch import Batch
from logyard.outputs.appending.archive import Archive, Rotation
from logyard.outputs.appending.files import Files
from logyard.outputs.appending.journal import Journal
from logyard.outputs.appending.paths import Paths
from logyard.ports import Place

__all__ = ["Appender", "Texts"]

Texts = Mapping[str, bytes]
"""What is added to each file, by path: whole lines."""
Answer = TypeVar("Answer")
_TEND_SECONDS: Final = 10.0
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_log = logging.getLogger("logyard")


class Appender:
    """The files of one output, and the task that looks after them. On one event loop."""

    def __init__(self, paths: Paths, rotation: Rotation, header: bytes = b"") -> None:
        """Touches nothing."""
        self._archive = Archive(paths, rotation)
        self._header = header
        self._lock = asyncio.Lock()
        self._journal: Journal | None = None
        self._files: Files | None = None
        self._clock: Clock | None = None
        self._tending: asyncio.Task[None] | None = None

    async def open(self, place: Place) -> None:
        """Read what was added before. Raises ``NotNow``."""
        self._clock = place.clock
        self._journal = await _done(lambda: Journal(place.directory))
        self._files = Files(self._journal, self._archive, self._header)
        self._tending = asyncio.create_task(self._tend(place.clock), name="files")

    def used_bytes(self) -> float:
        """Disk that the complete files use. Any thread."""
        with contextlib.suppress(OSError):
            return float(self._archive.used_bytes())
        return 0.0

    async def add(self, batches: Sequence[Batch], render: Callable[[Sequence[Batch]], Texts]) -> None:
        """Add the batches that are not in the files. Raises ``NotNow`` in all its kinds."""
        journal, files, clock = self._journal, self._files, self._clock
        if journal is None or files is None or clock is None:
            raise LogyardError("an output is opened before it is written to")
        new = [batch for batch in batches if not journal.has(batch.id)]
        if not new:
            return
        texts = await asyncio.to_thread(render, new)
        async with self._lock:
            await _done(lambda: files.add(texts, [batch.id for batch in new], clock.now()))
            await _done(lambda: files.tend(clock.now()))

    async def close(self) -> None:
        """Close the files."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        async with self._lock:
            if self._files is not None and self._journal is not None:
                self._files.close()
                self._journal.close()

    async def _tend(self, clock: Clock) -> None:
        """Complete, pack and remove what is due, also while nothing comes."""
        while True:
            try:
                async with self._lock:
                    await _done(lambda: self._files.tend(clock.now()) if self._files is not None else None)
                await _done(lambda: self._archive.tidy(clock.now()))
            except NotNow as error:
                _log.warning("cannot look after the files: %s", error)
            await asyncio.sleep(_TEND_SECONDS)


async def _done(work: Callable[[], Answer]) -> Answer:
    """Whoever is cancelled meanwhile waits for it all the same: the files are not left amid a change."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
    except BlockingIOError as error:
        raise NotNow("another output or process adds to the same file", retry_after=5.0) from error
    except OSError as error:
        kind = DiskFull if error.errno in _FULL else NotNow
        raise kind(f"cannot write: {error}", retry_after=5.0) from error
