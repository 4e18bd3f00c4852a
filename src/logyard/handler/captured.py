"""Records in memory, as they would be sent: for tests of programs that log.

with captured() as records:
    place_order()
assert records[0]["message"] == "order 7 placed"
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from logyard.handler.guard import guard
from logyard.handler.plain import Plain
from logyard.handler.record import Encoder

__all__ = ["captured"]


class _Memory(logging.Handler):
    def __init__(self, records: list[dict[str, Plain]]) -> None:
        super().__init__()
        self._records = records
        self._encoder = Encoder(service="test", host="test")

    def emit(self, record: logging.LogRecord) -> None:
        if guard.inside:
            return
        guard.inside = True
        try:
            caught = self._encoder.catch(record)
            self._records.append(json.loads(caught if isinstance(caught, str) else self._encoder.line(caught)))
        finally:
            guard.inside = False


@contextmanager
def captured(logger: str | logging.Logger = "", level: int = logging.DEBUG) -> Iterator[list[dict[str, Plain]]]:
    """What ``logger`` and those below it say in the block."""
    records: list[dict[str, Plain]] = []
    handler, listened = _Memory(records), logger if isinstance(logger, logging.Logger) else logging.getLogger(logger)
    before = listened.level
    listened.addHandler(handler)
    listened.setLevel(level)
    try:
        yield records
    finally:
        listened.removeHandler(handler)
        listened.setLevel(before)
