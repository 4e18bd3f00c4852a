"""Several logs as one, by time, within a window that is bounded in time and in size.

A line goes out when every other log that is still open has shown a later one, or when it has waited for ``window``
seconds: a log that is silent holds nobody back for longer. A lone log is never held. What waits is bounded: a log that
is far ahead of the others must wait for its turn.
"""

import heapq
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from logyard.cli.log_lines import LogLine

__all__ = ["WINDOW", "Merge", "Said"]

WINDOW: Final = 0.2
"""Seconds."""
_MOST: Final = 50_000
"""Lines of one log that wait for their turn."""
_LOOK_SECONDS: Final = 1.0


class Said(msgspec.Struct, frozen=True):
    """What a source says: lines, words, an error, or (nothing) that it is over."""

    source: int
    lines: Sequence[LogLine] = ()
    words: str = ""
    error: BaseException | None = None
    over: bool = False


class Merge:
    """``put`` from any thread, ``batches`` in one."""

    def __init__(self, monotonic: Callable[[], float], *, window: float = WINDOW) -> None:
        """``window`` in seconds; infinite for logs that all end by themselves."""
        self._monotonic, self._window = monotonic, window
        self._said: queue.SimpleQueue[Said] = queue.SimpleQueue()
        self._heap: list[tuple[int, int, float, LogLine]] = []
        self._latest: dict[int, int] = {}
        self._count = 0
        self._waiting: Counter[int] = Counter()
        self._closed = False
        self._lock = threading.Condition()

    def open(self, source: int) -> None:
        """Before its first ``put``: this log is waited for."""
        with self._lock:
            self._latest[source] = 0

    def put(self, said: Said) -> None:
        """Waits while too much of this log waits already."""
        with self._lock:
            self._lock.wait_for(lambda: self._closed or self._waiting[said.source] < _MOST)
            self._waiting[said.source] += len(said.lines)
        self._said.put(said)

    def close(self) -> None:
        """Nobody prints any more."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def batches(self) -> Iterator[Sequence[LogLine] | Said]:
        """Lines in order, as soon as that is known, and whatever else is said. Ends when all opened logs are over."""
        while self._latest or self._heap:
            try:
                said = self._said.get(timeout=self._patience())
            except queue.Empty:
                said = None
            if said is not None:
                self._take(said)
                if said.words or said.error is not None:
                    yield said
            if ready := self._ready():
                yield ready

    def _patience(self) -> float:
        """Seconds until the next line may go by itself."""
        if not self._heap:
            return _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.001, self._heap[0][2] + self._window - self._monotonic()))

    def _take(self, said: Said) -> None:
        now = self._monotonic()
        for line in said.lines:
            self._count += 1
            heapq.heappush(self._heap, (line.time, self._count, now, line))
        with self._lock:
            if said.over or said.error is not None:
                self._latest.pop(said.source, None)
            elif said.lines:
                self._latest[said.source] = max(self._latest.get(said.source, 0), said.lines[-1].time)

    def _ready(self) -> list[LogLine]:
        with self._lock:
            open_logs = dict(self._latest)
        shown = min(open_logs.values(), default=0)
        due = self._monotonic() - self._window
        ready: list[LogLine] = []
        while self._heap:
            time, _, arrival, line = self._heap[0]
            # Nothing of another log can come before a line when its own is the only one that is open.
            alone = not open_logs.keys() - {line.source}
            if not alone and time > shown and arrival > due:
                break
            ready.append(heapq.heappop(self._heap)[3])
        if ready:
            with self._lock:
                self._waiting.subtract(line.source for line in ready)
                self._lock.notify_all()
        return ready
