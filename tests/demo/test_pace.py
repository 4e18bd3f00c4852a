"""Simulated time, and the stories told in it."""

import math
import threading

import pytest

from logyard.demo.agenda import Agenda, Story
from logyard.demo.pace import SECOND, Pace
from logyard.demo.rate import Rate
from logyard.testing.clock import ManualClock


class Recorded:
    """A stop that nobody asks for; moves the clock instead of waiting."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.waits: list[float] = []

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        self.clock.advance(timeout or 0.0)
        return False


@pytest.mark.parametrize(("speed", "wait"), [(1.0, 6.0), (60.0, 0.1), (0.5, 12.0)])
def test_a_speed_makes_waits_shorter(speed: float, wait: float) -> None:
    clock = ManualClock()
    stop = Recorded(clock)
    pace = Pace(clock, start=100 * SECOND, speed=speed, stop=stop)
    assert pace.reach(106 * SECOND)
    assert stop.waits == pytest.approx([wait])
    assert pace.now() / SECOND == pytest.approx(106)
    assert pace.spend(6)
    assert stop.waits == pytest.approx([wait, wait])


def test_who_is_late_does_not_wait() -> None:
    clock = ManualClock()
    stop = Recorded(clock)
    pace = Pace(clock, start=0, stop=stop)
    clock.advance(10)
    assert pace.reach(3 * SECOND)
    assert not stop.waits


def test_infinite_speed_never_waits() -> None:
    clock = ManualClock()
    stop = Recorded(clock)
    pace = Pace(clock, start=5, speed=math.inf, stop=stop)
    assert pace.reach(10**18)
    assert pace.spend(1e9)
    assert pace.now() == 10**18
    assert not stop.waits


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    stop.set()
    pace = Pace(ManualClock(), start=0, stop=stop)
    assert not pace.reach(10**18)
    assert not pace.spend(1e9)
    assert not pace.reach(0)


def told(end: int | None) -> list[tuple[float, str]]:
    agenda = Agenda(0)
    found: list[tuple[float, str]] = []

    def story(name: str, seconds: float, times: int) -> Story:
        for _ in range(times):
            found.append((agenda.now / SECOND, name))
            yield seconds

    agenda.begin(story("a", 1.0, 3))
    agenda.begin(story("b", 1.5, 2))
    agenda.run(Pace(ManualClock(), start=0, speed=math.inf), end=end)
    return found


def test_stories_take_turns() -> None:
    assert told(None) == [(0, "a"), (0, "b"), (1, "a"), (1.5, "b"), (2, "a")]


def test_the_end_is_exclusive() -> None:
    assert told(SECOND) == [(0, "a"), (0, "b")]


@pytest.mark.parametrize(
    ("rate", "seconds", "want"),
    [
        pytest.param(Rate(per_second=10), 3.05, 30, id="steady"),
        pytest.param(Rate(per_second=10, ramp=4), 2, 5, id="half the ramp"),
        pytest.param(Rate(per_second=10, ramp=4), 4, 20, id="the ramp"),
        pytest.param(Rate(per_second=10, ramp=4), 6, 40, id="after the ramp"),
        pytest.param(Rate(per_second=10, burst_factor=3, burst_every=10, burst_for=2), 1, 30, id="in a burst"),
        pytest.param(Rate(per_second=10, burst_factor=3, burst_every=10, burst_for=2), 10, 140, id="one burst"),
        pytest.param(Rate(per_second=10, burst_factor=3, burst_every=10, burst_for=2), 11, 170, id="in the next"),
    ],
)
def test_rates(rate: Rate, seconds: float, want: int) -> None:
    assert rate.due(seconds) == want
