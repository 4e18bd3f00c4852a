"""A clock that moves only when a test says so."""

__all__ = ["ManualClock"]


class ManualClock:
    """Starts at 2026-01-01T00:00:00Z; wall and monotonic time move together, but for ``jump``."""

    def __init__(self, now: int = 1_767_225_600_000_000_000) -> None:
        """``now`` is in nanoseconds since the Unix epoch."""
        self._now = now
        self._off = 0

    def now(self) -> int:
        """Wall clock, nanoseconds since the Unix epoch, UTC."""
        return self._now + self._off

    def monotonic(self) -> float:
        """Seconds on the same clock."""
        return self._now / 1e9

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._now += int(seconds * 1e9)

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, forwards or backwards; the other one goes on."""
        self._off += int(seconds * 1e9)
