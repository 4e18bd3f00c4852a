"""A program that logs through ``LogyardHandler``: ``python -m bench.clients.logging_program URL RECORDS``.

Prints one JSON object: what ``emit`` takes on the caller's thread while the sender works, the same for the standard
library's ``QueueHandler``, and how many records a second went through from the first call to the last acknowledgement.
"""

import json
import logging
import logging.handlers
import queue
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from logyard.handler import LogyardHandler

__all__ = ["main"]

_SAMPLES: Final = 100_000
_PACE: Final = 0.0001
"""Seconds between two timed calls: a busy program, not one that does nothing but log."""


def main() -> None:
    """Measure, and print what was found."""
    url, count = sys.argv[1], int(sys.argv[2])
    handler = LogyardHandler(url, service="bench", max_records=10_000_000, max_bytes=4 << 30)
    ours = _timed(handler.handle)
    handler.flush(300)
    stdlib = _timed(logging.handlers.QueueHandler(queue.SimpleQueue()).handle)
    found = {"ours": ours, "stdlib": stdlib, **_sustained(handler, count)}
    stats = handler.stats()
    print(json.dumps({**found, "sent": stats.sent, "dropped": sum(stats.dropped.values())}))


def _timed(handle: Callable[[logging.LogRecord], object]) -> dict[str, float]:
    """Microseconds of ``_SAMPLES`` calls: p50 and p99."""
    took = []
    for number in range(_SAMPLES):
        record = logging.LogRecord("shop", logging.INFO, __file__, 40, "order %d of %s paid", (number, "bob"), None)
        until = time.perf_counter() + _PACE
        began = time.perf_counter_ns()
        handle(record)
        took.append(time.perf_counter_ns() - began)
        while time.perf_counter() < until:
            pass
    took.sort()
    return {"p50": took[_SAMPLES // 2] / 1e3, "p99": took[_SAMPLES * 99 // 100] / 1e3}


def _sustained(handler: LogyardHandler, count: int) -> dict[str, Any]:
    logger = logging.Logger("shop")  # noqa: LOG001 - nobody else listens to it
    logger.addHandler(handler)
    cpu, began = _cpu(), time.perf_counter()
    for number in range(count):
        logger.info("order %d of %s paid", number, "bob")
    logged = time.perf_counter() - began
    handler.flush(600)
    return {
        "rate": count / (time.perf_counter() - began),
        "logged": count / logged,
        "cpu_us": (_cpu() - cpu) / count * 1e6,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
