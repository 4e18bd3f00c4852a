"""Seeded randomness: the same seed and name give the same course of events on every machine."""

import random
from collections.abc import Sequence
from typing import Final, TypeVar

__all__ = ["Chance", "random_seed"]

Kind = TypeVar("Kind")

_SEEDS: Final = 1 << 32


def random_seed() -> int:
    """A seed for who gave none."""
    return random.SystemRandom().randrange(_SEEDS)


class Chance:
    """One stream of random decisions. One thread at a time."""

    def __init__(self, seed: int, name: str) -> None:
        """``name`` keeps streams of one seed apart, so that a program draws the same alone and in company."""
        self._random = random.Random(f"{seed}/{name}")

    def happens(self, percent: float) -> bool:
        """True so often in a hundred."""
        return self._random.random() * 100 < percent

    def between(self, low: float, high: float) -> float:
        """Anything between, evenly."""
        return self._random.uniform(low, high)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(low, high)

    def pick(self, choices: Sequence[Kind]) -> Kind:
        """One of them."""
        return self._random.choice(choices)

    def weighted(self, choices: Sequence[Kind], weights: Sequence[int]) -> Kind:
        """One of them, each as often as its weight says."""
        return self._random.choices(choices, weights)[0]

    def interval(self, mean: float) -> float:
        """Seconds until the next of many independent arrivals."""
        return self._random.expovariate(1 / mean)

    def hexadecimal(self, digits: int) -> str:
        """An identifier of so many digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"
