"""Filters that keep a talkative logger in bounds: so many records a second, or a share of them.

    handler.addFilter(RateLimit(100))                      for each logger, and each of its levels
    logging.getLogger("sql").addFilter(Sample(0.01))

What is held back is counted; the next record that passes a ``RateLimit`` says how many in ``suppressed``. Records of
WARNING and above always pass.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["RateLimit", "Sample"]

_PASSES: Final = logging.WARNING
_MOST_LOGGERS: Final = 10_000

Clock = Callable[[], float]


class _Bucket:
    """What one logger has left."""

    __slots__ = ("moment", "suppressed", "tokens")

    def __init__(self, tokens: float, moment: float) -> None:
        self.tokens = tokens
        self.moment = moment
        self.suppressed = 0


class RateLimit(logging.Filter):
    """A token bucket for each logger and level. Any thread."""

    def __init__(
        self, per_second: float, burst: float = 0, *, passes: int = _PASSES, clock: Clock = time.monotonic
    ) -> None:
        """``burst``: how many at once; 0: as many as a second. ``passes``: this level and above always."""
        super().__init__()
        if per_second <= 0:
            raise ValueError(f"per_second must be above 0, not {per_second!r}")
        self._rate, self._burst, self._passes = per_second, burst or max(1.0, per_second), passes
        self._clock = clock
        self._buckets: dict[tuple[str, int], _Bucket] = {}
        self._lock = threading.Lock()
        self.suppressed = 0
        """Records held back in all."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may go on."""
        if record.levelno >= self._passes:
            return True
        with self._lock:
            held, passes = self._taken(record)
        if held:
            record.suppressed = held
        return passes

    def _taken(self, record: logging.LogRecord) -> tuple[int, bool]:
        """How many were held back before this one, and whether it may go on."""
        key = (record.name, record.levelno)
        bucket, moment = self._buckets.get(key), self._clock()
        if bucket is None:
            if len(self._buckets) >= _MOST_LOGGERS:
                self._buckets.clear()
            bucket = self._buckets[key] = _Bucket(self._burst, moment)
        bucket.tokens = min(self._burst, bucket.tokens + (moment - bucket.moment) * self._rate)
        bucket.moment = moment
        if bucket.tokens < 1:
            bucket.suppressed += 1
            self.suppressed += 1
            return 0, False
        bucket.tokens -= 1
        held, bucket.suppressed = bucket.suppressed, 0
        return held, True


class Sample(logging.Filter):
    """A share of the records, by chance; the ones that pass say it in ``sample_rate``."""

    def __init__(self, share: float, *, passes: int = _PASSES) -> None:
        """``share``: from 0 to 1. ``passes``: this level and above always."""
        super().__init__()
        if not 0 <= share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {share!r}")
        self._share, self._passes = share, passes

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may go on."""
        if record.levelno >= self._passes:
            return True
        if random.random() >= self._share:  # noqa: S311 - a sample is no secret
            return False
        record.sample_rate = self._share
        return True
