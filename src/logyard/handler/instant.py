"""The time of records that bring none, and how times are written.

The handler sees nothing of Logyard, its clocks neither; ``logging`` itself stamps every ``LogRecord``.
"""

import time

__all__ = ["instant", "now", "second"]


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def instant(seconds: float) -> str:
    """RFC 3339, UTC, microseconds."""
    whole = int(seconds)
    return f"{second(whole)}.{int((seconds - whole) * 1_000_000):06d}Z"


def second(whole: int) -> str:
    """The same without the fraction and the ``Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
