"""Which of several places is asked next. Pure but for a counter; the places tell how loaded they are."""

import itertools
import threading
from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

__all__ = ["Balance", "Balancer", "LeastLoaded", "Loaded", "RoundRobin", "balancer"]

Balance = Literal["round-robin", "least-loaded"]


class Loaded(Protocol):
    """A place that work can be given to."""

    @property
    def load(self) -> int:
        """Calls that are under way there."""
        ...


Place = TypeVar("Place", bound=Loaded)


class Balancer(Protocol):
    """Any thread, concurrently."""

    def order(self, places: Sequence[Place]) -> list[Place]:
        """All of them, the one to be asked first in front."""
        ...


class RoundRobin:
    """One after the other."""

    def __init__(self) -> None:
        self._turns = itertools.count()
        self._lock = threading.Lock()

    def order(self, places: Sequence[Place]) -> list[Place]:
        """Each time another one is the first."""
        if len(places) == 1:
            return [places[0]]
        with self._lock:
            turn = next(self._turns)
        start = turn % len(places) if places else 0
        return [*places[start:], *places[:start]]


class LeastLoaded:
    """Whoever has the fewest calls under way; among equals, one after the other."""

    def __init__(self) -> None:
        self._turns = RoundRobin()

    def order(self, places: Sequence[Place]) -> list[Place]:
        """The least loaded first."""
        return sorted(self._turns.order(places), key=lambda place: place.load)


def balancer(name: Balance) -> Balancer:
    """By its name."""
    return RoundRobin() if name == "round-robin" else LeastLoaded()
