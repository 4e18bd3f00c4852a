"""The handler for the standard library's ``logging``.

    logging.basicConfig(handlers=[LogyardHandler("http://logs:8005", service="shop")])

``emit`` takes no lock, opens no connection and formats nothing that can wait. A record that a record causes (a
``__str__`` that logs, or anything on the sender's thread) is not taken: there is no recursion.
"""

import logging
import weakref
from typing import Final, Unpack

from logyard.handler.environment import from_environment
from logyard.handler.guard import guard
from logyard.handler.settings import Options
from logyard.handler.shipper import Shipper
from logyard.handler.stats import Stats

__all__ = ["LogyardHandler"]

_ABOUT_BYTES: Final = 400
"""Of a record, besides its message."""


class LogyardHandler(logging.Handler):
    """Sends records to a Logyard server in the background. A formatter set on it has no effect: fields are sent.

    Options left out are read from the environment (``LOGYARD_URL``, ``LOGYARD_SERVICE`` ...: ``environment.py``), then
    defaults hold. Raises ``ValueError`` for an option that cannot be used.
    """

    flushOnClose = False  # noqa: N815 - logging's name for it; close() flushes, and once is enough
    """``logging.shutdown`` closes, and does not flush before (Python 3.12)."""

    def __init__(self, url: str = "", *, level: int | str = logging.NOTSET, **options: Unpack[Options]) -> None:
        """Starts nothing: the thread comes with the first record."""
        super().__init__(level)
        self._shipper = Shipper(from_environment(url, options))
        self._retire = weakref.finalize(self, self._shipper.retire)
        self._retire.atexit = False  # then Shipper's own exit waits for what is there

    def createLock(self) -> None:  # noqa: N802 - logging's name for it
        """None: ``emit`` needs no lock, and without one nothing can stand still, in a fork neither."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """As logging's own, without the steps of a lock that is not there."""
        if self.filters:
            passed: bool | logging.LogRecord = self.filter(record)
            if not passed:
                return False
            if isinstance(passed, logging.LogRecord):  # Python 3.12: a filter may give another one
                record = passed
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        if guard.inside:
            return
        guard.inside = True
        try:
            caught = self._shipper.encoder.catch(record)
            msg = record.msg
            size = len(caught) if type(caught) is str else len(msg) if type(msg) is str else 0
            self._shipper.put(caught, size + _ABOUT_BYTES)
        except Exception:  # noqa: BLE001 - logging's own rule: what a handler meets must not reach the program
            self.handleError(record)
        finally:
            guard.inside = False

    def flush(self, seconds: float | None = None) -> None:
        """Wait until what was logged is sent, at most ``exit_seconds``."""
        self._shipper.flush(self._shipper.settings.exit_seconds if seconds is None else seconds)

    def close(self) -> None:
        """Flush and end; ``logging.shutdown`` does it at the end of the program."""
        self._shipper.close()
        super().close()

    def stats(self) -> Stats:
        """What became of the records."""
        return self._shipper.stats()
