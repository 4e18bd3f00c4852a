"""What handlers, processors and sinks share: a queue, its thread, and their lives over forks and exits.

The thread starts with the first record and is a daemon: it never holds up the end of the program. The end waits for it
instead, for ``exit_seconds`` at most: by ``atexit``, by ``logging.shutdown``, by multiprocessing's own exit (its
children leave without ``atexit``), and by SIGTERM where the program has left that to the system.

After ``os.fork`` the child begins anew, with an empty queue, a thread and a connection of its own: what the parent has
in hand is the parent's to send.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from queue import Empty
from types import FrameType
from typing import Final, Protocol, cast

from logyard.handler.guard import guard
from logyard.handler.queue import Item
from logyard.handler.record import Encoder
from logyard.handler.sender import Sender
from logyard.handler.settings import Settings
from logyard.handler.stats import Stats

__all__ = ["Shipper"]

_GRACE_SECONDS: Final = 1.0
"""For spooling what is left, once the time for sending is over."""


class Shipper:
    """Any thread. Nothing that a caller of ``put`` does can raise."""

    def __init__(self, settings: Settings) -> None:
        """Starts nothing. Raises ``ValueError`` for settings that cannot work."""
        self.settings = settings
        self.encoder = Encoder(service=settings.service, host=settings.host, record_bytes=settings.record_bytes)
        self._sender = Sender(settings, self.encoder)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        _all.add(self)
        if settings.on_sigterm:
            _catch_sigterm()

    def put(self, item: Item, size: int) -> None:
        """Take one in; never waits, unless the policy is ``block`` or ``spill``. ``size``: about, in bytes."""
        if self._closed:
            self._sender.waiting.dropped["exit"] += 1
            return
        self._sender.waiting.put(item, size)
        if self._thread is None:
            self._start()

    def flush(self, seconds: float) -> bool:
        """Wait until all that was put before is settled, at most so long; whether it is.

        Gives up at once when the server is known to be away and a last try has failed as well.
        """
        sender = self._sender
        if not sender.waiting.count:
            return True
        if self._closed:
            return False
        if guard.inside or not self._started():
            return False
        mark = sender.waiting.mark()
        with contextlib.suppress(Empty):
            return mark.done.get(timeout=max(0.0, seconds)) == "settled"
        return False

    def close(self, seconds: float | None = None) -> None:
        """Flush, then end the thread; what could not be sent goes to the spool, or is dropped and counted."""
        if self._closed:
            return
        seconds = self.settings.exit_seconds if seconds is None else seconds
        done = self.flush(seconds)
        self._closed = True
        _all.discard(self)
        sender, thread = self._sender, self._thread
        if done:
            sender.stop()
        else:
            sender.abandon()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_GRACE_SECONDS)

    def retire(self) -> None:
        """Nobody will put anything any more: the thread sends what there is, and ends. Waits for nothing."""
        self._closed = True
        _all.discard(self)
        self._sender.stop()

    def stats(self) -> Stats:
        """Of this moment, in this process."""
        return self._sender.stats()

    def after_fork(self) -> None:
        """In the child."""
        self._sender = Sender(self.settings, self.encoder)
        self._thread = None
        self._starting = threading.Lock()

    def _started(self) -> bool:
        if self._thread is None:
            self._start()
        return self._thread is not None

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._sender.run, name="logyard-handler", daemon=True)
                thread.start()
                self._thread = thread
                _leave_multiprocessing(self)
        except RuntimeError:
            pass  # no threads any more: the interpreter is going down; close() counts what is left
        finally:
            self._starting.release()


_all: "weakref.WeakSet[Shipper]" = weakref.WeakSet()


def _close_all() -> None:
    """At the end of the program: all together within the longest ``exit_seconds``."""
    found = list(_all)
    deadline = time.monotonic() + max((each.settings.exit_seconds for each in found), default=0.0)
    for shipper in found:
        shipper.close(max(0.0, min(shipper.settings.exit_seconds, deadline - time.monotonic())))


def _forked() -> None:
    for shipper in list(_all):
        shipper.after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forked)


class _Util(Protocol):
    Finalize: Callable[..., object]


def _leave_multiprocessing(shipper: Shipper) -> None:
    """A child of multiprocessing ends by ``os._exit`` after its finalizers."""
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is None or util is None or process.parent_process() is None:
        return
    reference = weakref.ref(shipper)

    def leave() -> None:
        found = reference()
        if found is not None:
            found.close()

    cast("_Util", util).Finalize(None, leave, exitpriority=0)


def _catch_sigterm() -> None:
    """Where SIGTERM would just end the process, flush first, and then end it by the same signal."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return
    signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, _: FrameType | None) -> None:
    _close_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
