"""Simulated time: it begins at a chosen instant and runs ``speed`` times as fast as the machine's clock."""

import math
import threading
from typing import Final, Protocol

from logyard.clock import Clock

__all__ = ["SECOND", "Pace", "Stop"]

SECOND: Final = 1_000_000_000
"""In nanoseconds. (Not from ``model.timestamp``, which brings Polars: a demo starts at once and stays small.)"""


class Stop(Protocol):
    """What ends a wait early; ``threading.Event`` is one."""

    def is_set(self) -> bool:
        """Whether the end was asked for."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait so many seconds, or until the end is asked for; whether it was."""
        ...


class Pace:
    """Turns simulated instants into waiting. Any thread.

    What happens at an instant does not depend on how punctual the machine is: one that comes too late goes on at once
    until it has caught up. A speed of ``math.inf`` never waits.
    """

    def __init__(self, clock: Clock, *, start: int, speed: float = 1.0, stop: Stop | None = None) -> None:
        """``start`` is in nanoseconds since the Unix epoch; ``stop`` ends every wait."""
        self._clock = clock
        self._origin = clock.monotonic()
        self._start = start
        self._speed = speed
        self._reached = start
        self.stop: Stop = stop or threading.Event()

    def now(self) -> int:
        """The simulated instant; at infinite speed the latest that somebody waited for."""
        if math.isinf(self._speed):
            return self._reached
        return self._start + int((self._clock.monotonic() - self._origin) * self._speed * SECOND)

    def reach(self, instant: int) -> bool:
        """Wait until then. False when the end was asked for before."""
        self._reached = max(self._reached, instant)
        return not self._stopped_within((instant - self.now()) / SECOND)

    def spend(self, seconds: float) -> bool:
        """Wait so many simulated seconds. False when the end was asked for before."""
        return not self._stopped_within(seconds)

    def _stopped_within(self, simulated: float) -> bool:
        seconds = simulated / self._speed
        return self.stop.wait(seconds) if seconds > 0 else self.stop.is_set()
