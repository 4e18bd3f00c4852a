"""The way to the content of followed files, with the faults of a file system: refusals, stale handles."""

import os

from logyard.receivers.tailing.content import Content, open_content

__all__ = ["FaultyFiles"]


class FaultyFiles:
    """A ``content.Opener``: ``Parts(opener=FaultyFiles())``."""

    def __init__(self) -> None:
        self.opened = 0
        """How often a file was opened, or tried to."""
        self._refused: dict[str, int] = {}
        self._contents: list[_Content] = []

    def __call__(self, path: str) -> Content:
        """Open, if it may be."""
        self.opened += 1
        if path in self._refused:
            raise OSError(self._refused[path], os.strerror(self._refused[path]), path)
        content = _Content(open_content(path))
        self._contents.append(content)
        return content

    def refuse(self, path: str, error: int) -> None:
        """Raise the error whenever this path is opened; what is open stays so."""
        self._refused[path] = error

    def allow(self, path: str) -> None:
        """No longer."""
        del self._refused[path]

    def fail(self, error: int) -> None:
        """From now on whatever is open raises this error, as handles do after their server has changed."""
        for content in self._contents:
            content.error = error
        self._contents = []


class _Content:
    def __init__(self, real: Content) -> None:
        self._real = real
        self.error = 0

    def _use(self) -> Content:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return self._real

    @property
    def packed(self) -> bool:
        return self._real.packed

    @property
    def unfinished(self) -> bool:
        return self._real.unfinished

    def read(self, offset: int, size: int) -> bytes:
        return self._use().read(offset, size)

    def stored(self, offset: int, size: int) -> bytes:
        return self._use().stored(offset, size)

    def status(self) -> os.stat_result:
        return self._use().status()

    def data_from(self, offset: int) -> int:
        return self._use().data_from(offset)

    def close(self) -> None:
        self._real.close()
