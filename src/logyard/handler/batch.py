"""A batch: lines that travel together under one idempotency key, over retries and over the end of the process."""

import itertools
import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Batch", "Keys", "batches"]


@dataclass(frozen=True, slots=True)
class Batch:
    """``body`` is JSON lines in UTF-8. The same key always means the same body."""

    key: str
    body: bytes
    count: int

    def halves(self, keys: "Keys") -> tuple["Batch", "Batch"] | None:
        """Two smaller ones, None for a single record. Only for a batch that the server took nothing of."""
        lines = self.body.split(b"\n")
        middle = len(lines) // 2
        if not middle:
            return None
        first, second = lines[:middle], lines[middle:]
        return (
            Batch(keys.next(), b"\n".join(first), len(first)),
            Batch(keys.next(), b"\n".join(second), len(second)),
        )


class Keys:
    """Idempotency keys of one process: random, then counted."""

    def __init__(self) -> None:
        self._prefix = os.urandom(12).hex()
        self._numbers = itertools.count()

    @property
    def prefix(self) -> str:
        """What all keys of this process begin with."""
        return self._prefix

    def next(self) -> str:
        """A key that was never used."""
        return f"{self._prefix}-{next(self._numbers):08d}"


def batches(lines: Sequence[str], keys: Keys, *, records: int, size: int) -> Iterator[Batch]:
    """Lines in their order, each batch of at most ``records`` and about ``size`` characters."""
    ends = list(itertools.accumulate(map(len, lines)))
    start = before = 0
    while start < len(lines):
        full = bisect_left(ends, before + size, start)
        stop = min(full + 1, start + records, len(lines))
        yield _batch(lines[start:stop], keys)
        start, before = stop, ends[stop - 1]


def _batch(lines: Sequence[str], keys: Keys) -> Batch:
    # A lone surrogate is no text that could be sent.
    return Batch(keys.next(), "\n".join(lines).encode("utf-8", "replace"), len(lines))
