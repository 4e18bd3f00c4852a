"""What happens when: many stories, told in one order, each pausing for simulated seconds.

A story is a generator; ``yield 2.5`` lets two and a half seconds pass. Stories run one at a time, so they need no
locks, and the order depends on nothing but what they say: the same stories give the same lines, at any speed.
"""

import heapq
from collections.abc import Generator
from typing import TypeAlias

from logyard.demo.pace import SECOND, Pace

__all__ = ["Agenda", "Story"]

Story: TypeAlias = Generator[float, None, None]


class Agenda:
    """The stories under way, each with the instant at which it goes on. One thread."""

    def __init__(self, start: int) -> None:
        """``start`` is in nanoseconds since the Unix epoch."""
        self.now = start
        """The instant of what happens right now."""
        self._waiting: list[tuple[int, int, Story]] = []
        self._count = 0

    def begin(self, story: Story) -> None:
        """Let a story begin: now, after those whose turn is now."""
        self._put(self.now, story)

    def run(self, pace: Pace, *, end: int | None = None) -> None:
        """Tell the stories until there are none, until ``end`` (exclusive), or until the pace is stopped."""
        while self._waiting and (end is None or self._waiting[0][0] < end):
            if not pace.reach(self._waiting[0][0]):
                return
            self.now, _, story = heapq.heappop(self._waiting)
            for seconds in story:
                self._put(self.now + int(seconds * SECOND), story)
                break
        if end is not None:
            pace.reach(end)

    def _put(self, instant: int, story: Story) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (instant, self._count, story))
