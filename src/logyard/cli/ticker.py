"""A line on the terminal that says how far it is, and leaves nothing behind."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from logyard.cli.terminal import is_terminal

__all__ = ["Ticker", "ticker"]

_SECONDS: Final = 0.2


class Ticker:
    """Counts, and shows the count on stderr now and then."""

    def __init__(self, noun: str, *, shown: bool) -> None:
        self.count = 0
        self._noun = noun
        self._shown = shown
        self._began = self._said = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def add(self, count: int) -> None:
        """So many more."""
        self.count += count
        now = time.monotonic()
        if self._shown and now - self._said >= _SECONDS:
            self._said = now
            rate = self.count / max(self.seconds, 0.001)
            sys.stderr.write(f"\r\x1b[K{self.count:,} {self._noun}  {rate:,.0f}/s")
            sys.stderr.flush()

    def clear(self) -> None:
        """Nothing is to be seen any more."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def ticker(noun: str, *, shown: bool) -> Iterator[Ticker]:
    """Shown on a terminal only, and not where the records themselves are printed."""
    counting = Ticker(noun, shown=shown and is_terminal(sys.stderr))
    try:
        yield counting
    finally:
        counting.clear()
