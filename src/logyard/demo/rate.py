"""How many events should have happened by now: a steady rate, a ramp up to it, bursts on top of it."""

from typing import Annotated

import msgspec

__all__ = ["Rate"]

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Events per second over time; all times in seconds since the beginning."""

    per_second: float
    ramp: Seconds = 0.0
    """The rate rises from 0 to ``per_second`` within so long."""
    burst_factor: float = 1.0
    """In a burst the rate is so many times ``per_second``."""
    burst_every: Seconds = 0.0
    """A burst begins so often; 0: never."""
    burst_for: Seconds = 0.0

    def due(self, seconds: float) -> int:
        """Events from the beginning until then."""
        return int(self.per_second * (self._ramped(seconds) + (self.burst_factor - 1) * self._bursting(seconds)))

    def _ramped(self, seconds: float) -> float:
        """Seconds at the whole rate that give the same number of events."""
        if seconds < self.ramp:
            return seconds * seconds / (2 * self.ramp)
        return seconds - self.ramp / 2

    def _bursting(self, seconds: float) -> float:
        """Seconds spent in bursts."""
        if not self.burst_every:
            return 0.0
        whole, rest = divmod(seconds, self.burst_every)
        return whole * self.burst_for + min(rest, self.burst_for)
