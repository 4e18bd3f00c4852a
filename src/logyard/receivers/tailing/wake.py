"""Being told by the kernel that files have changed (inotify), so that nobody need look at all of them at once.

It is a hint and nothing more: events may be lost, and on some file systems there are none.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Self

from watchfiles import Change, watch

from logyard.receivers.tailing.scan import roots

__all__ = ["Waker"]

_STEP_MS = 50
_DEBOUNCE_MS = 200


class Waker:
    """A thread that sets an event of the loop it was entered on."""

    def __init__(self, include: Sequence[str], event: asyncio.Event, *, poll: bool) -> None:
        self._roots = [] if poll else roots(include)
        self._deep = any("**" in pattern or "." not in pattern.rpartition("/")[2] for pattern in include)
        if "/" in self._roots:
            self._roots = []  # not the whole machine
        self._event = event
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._thread: threading.Thread | None = None
        logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every change
        self.is_watching = False
        """Whether hints may be expected."""

    def __enter__(self) -> Self:
        if self._roots:
            self.is_watching = True
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, args=(loop,), name="logyard-inotify", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def changed(self) -> Sequence[str]:
        """Paths that have changed since the last question."""
        with self._lock:
            paths, self._changed = sorted(self._changed), set()
        return paths

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        # Without more watches, without a root, without the loop: from now on by looking.
        with contextlib.suppress(OSError, RuntimeError):
            for changes in self._changes():
                with self._lock:
                    self._changed.update(os.path.normpath(path) for _, path in changes)
                loop.call_soon_threadsafe(self._event.set)
        self.is_watching = False

    def _changes(self) -> Iterator[set[tuple[Change, str]]]:
        return watch(
            *self._roots,
            watch_filter=None,
            stop_event=self._stop,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=500,
            recursive=self._deep,
            yield_on_timeout=False,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
