"""An hour of the demo application, made with a seed in about a second."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from logyard.clock import SystemClock
from logyard.demo.pace import SECOND, Pace
from logyard.demo.programs import PROGRAMS, Plan, run

START = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""
TIME = re.compile(r"2026-01-01 0\d:\d\d:\d\d,\d{3}")

Objects = list[dict[str, Any]]
Make = Callable[..., Path]


def make_logs(logs: Path, *, seed: int = 7, hours: float = 1, programs: Sequence[str] = PROGRAMS) -> Path:
    plan = Plan(programs=programs, logs=logs, seed=seed, start=START, end=START + int(hours * 3600 * SECOND))
    run(plan, lambda: Pace(SystemClock(), start=START, speed=math.inf), lambda _: None)
    return logs


@pytest.fixture(scope="session")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_logs(tmp_path_factory.mktemp("hour"))


def lines(path: Path) -> list[str]:
    """What comes after the time, which every line begins with."""
    found = [line.partition(" - ") for line in path.read_text().splitlines()]
    assert found
    assert all(TIME.fullmatch(time) for time, _, _ in found)
    assert [time for time, _, _ in found] == sorted(time for time, _, _ in found)
    return [rest for _, _, rest in found]


def objects(path: Path) -> tuple[Objects, list[str]]:
    """The JSON objects of a file, and its other lines."""
    found = lines(path)
    return (
        [msgspec.json.decode(line) for line in found if line.startswith("{")],
        [line for line in found if not line.startswith("{")],
    )


def assert_percent(found: int, of: int, percent: float) -> None:
    """As many as four standard deviations allow."""
    share, deviation = percent / 100, math.sqrt(percent / 100 * (1 - percent / 100) / of)
    assert abs(found / of - share) < 4 * deviation, f"{found} of {of} is not {percent} %"
