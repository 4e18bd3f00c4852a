"""A storage of the feeding service that fails when told to, over one that does not."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence

from logyard.errors import NotNow
from logyard.feed.block import Block, Origin
from logyard.feed.entry import LogEntry
from logyard.feed.filters import LogFilter
from logyard.feed.storage import Counts, Digest, Found, Storage
from logyard.types import LogId

__all__ = ["FlakyStorage"]


class FlakyStorage:
    """``feed.Storage``. Everything but the switches is the inner storage's."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.away = False
        """Raises ``NotNow`` whatever is asked."""
        self.losing = 0
        """So many writes are done, and the answer is lost."""
        self.asked = 0
        """Questions that were answered."""
        self._open = threading.Event()
        self._open.set()

    def hold(self) -> None:
        """Writes wait from now on."""
        self._open.clear()

    def release(self) -> None:
        """Let them go."""
        self._open.set()

    def write(self, blocks: Sequence[Block], *, fresh: bool = False) -> None:
        """May lose its answer."""
        self._open.wait()
        self._check()
        self.inner.write(blocks, fresh=fresh)
        if self.losing:
            self.losing -= 1
            raise NotNow("the answer got lost")

    def find(self, wanted: LogFilter, *, limit: int, offset: int = 0, until: LogId | None = None) -> Found:
        """Counted."""
        self._check()
        self.asked += 1
        return self.inner.find(wanted, limit=limit, offset=offset, until=until)

    def get(self, log_id: LogId) -> LogEntry | None:
        """Counted."""
        self._check()
        self.asked += 1
        return self.inner.get(log_id)

    def counts(self) -> Counts:
        """Of the inner one."""
        self._check()
        return self.inner.counts()

    def highest(self) -> LogId:
        """Of the inner one."""
        self._check()
        return self.inner.highest()

    def ping(self) -> None:
        """Of the inner one."""
        self._check()
        self.inner.ping()

    def digests(self) -> Mapping[int, Digest]:
        """Of the inner one."""
        self._check()
        return self.inner.digests()

    def origins(self, bucket: int) -> Mapping[Origin, int]:
        """Of the inner one."""
        self._check()
        return self.inner.origins(bucket)

    def read(self, bucket: int, origins: Collection[Origin]) -> Iterator[Block]:
        """Of the inner one; may break off."""
        for block in self.inner.read(bucket, origins):
            self._check()
            yield block

    def close(self) -> None:
        """Of the inner one."""
        self.inner.close()

    def _check(self) -> None:
        if self.away:
            raise NotNow("told to be away")
