"""The other nodes, by what they say of themselves: how far they lag, and whether one has our number. Pure but for what
it remembers.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from logyard.stream.bus.letter import Greeting

__all__ = ["Neighbour", "Nodes"]

_SILENT_SECONDS: Final = 5.0
"""A node that says nothing for so long may be gone."""
_FORGOTTEN_SECONDS: Final = 60.0
"""After so long it is forgotten, unless it had records that cannot be found yet."""
_KEPT: Final = 1000
"""Most processes remembered: restarts make new ones."""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """Another node, as it last was."""

    greeting: Greeting
    heard: float
    """Seconds since it was heard."""

    @property
    def lag(self) -> float:
        """Its records that are older than so many seconds can be found."""
        behind = self.greeting.acknowledged > self.greeting.stored
        return (self.greeting.lag if behind else 0.0) + self.heard

    def __str__(self) -> str:
        behind = self.greeting.acknowledged - self.greeting.stored
        return f"{self.greeting.node};seconds={self.lag:.3f};batches={behind};heard={self.heard:.3f}"


class Nodes:
    """What is known of the others. On one event loop."""

    def __init__(self, machine: int) -> None:
        """``machine`` is our own number; -1 when our ids have none."""
        self._machine = machine
        self._known: dict[bytes, tuple[Greeting, float]] = {}
        self._rows: dict[bytes, int] = {}

    def greet(self, instance: bytes, greeting: Greeting, now: float) -> bool:
        """Take note of a greeting, heard at ``now``; True when this is the first time that it has our number."""
        news = instance not in self._known
        for other, (said, _) in list(self._known.items()):
            if said.node == greeting.node and other != instance and greeting.machine == said.machine:
                del self._known[other]  # its predecessor
        self._known[instance] = (greeting, now)
        self._tidy(now)
        return news and self._machine >= 0 and greeting.machine == self._machine

    def missed(self, instance: bytes, before: int, rows: int) -> int:
        """Rows of a process that did not come before this letter, which brings ``rows``."""
        expected = self._rows.pop(instance, before)
        self._rows[instance] = max(expected, before + rows)
        if len(self._rows) > _KEPT:
            del self._rows[next(iter(self._rows))]
        return max(0, before - expected)

    def neighbours(self, now: float) -> Sequence[Neighbour]:
        """Those that are there, or were lately and left records behind."""
        self._tidy(now)
        found = [Neighbour(greeting=said, heard=max(0.0, now - heard)) for said, heard in self._known.values()]
        return sorted(found, key=lambda each: each.greeting.node)

    def twins(self, now: float) -> Sequence[str]:
        """Nodes that have our number now."""
        if self._machine < 0:
            return []
        return [
            said.node
            for said, heard in self._known.values()
            if said.machine == self._machine and now - heard < _SILENT_SECONDS
        ]

    def _tidy(self, now: float) -> None:
        for instance, (said, heard) in list(self._known.items()):
            if now - heard > _FORGOTTEN_SECONDS and said.acknowledged <= said.stored:
                del self._known[instance]
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
