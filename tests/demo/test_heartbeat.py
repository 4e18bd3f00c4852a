"""The logger service: lines as they are configured, to the console and to a rotating file."""

import math
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from logyard.clock import SystemClock
from logyard.demo.heartbeat import Heartbeat, beat
from logyard.demo.pace import SECOND, Pace
from logyard.errors import BadConfig
from tests.demo.conftest import START

PLAIN = "[%(asctime)s] %(levelname)s: %(message)s"


@pytest.fixture
def heartbeat(tmp_path: Path) -> Heartbeat:
    return Heartbeat(
        frequency=5,
        level="INFO",
        format=PLAIN,
        file=tmp_path / "logs" / "app.log",
        limit=1_000_000,
        backups=3,
        end=START + 60 * SECOND,
    )


def beaten(heartbeat: Heartbeat) -> list[str]:
    beat(heartbeat, Pace(SystemClock(), start=START, speed=math.inf))
    return heartbeat.file.read_text().splitlines()


def test_a_beat_every_five_seconds_to_both(heartbeat: Heartbeat, capsys: pytest.CaptureFixture[str]) -> None:
    found = beaten(heartbeat)
    assert len(found) == 12
    assert all(re.fullmatch(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,000\] INFO: Heartbeat \d+: .+", line) for line in found)
    seconds = [int(line.partition(",")[0][-2:]) for line in found]
    assert seconds == list(range(0, 60, 5))
    assert capsys.readouterr().out.splitlines() == found


@pytest.mark.parametrize(
    ("level", "want"),
    [("DEBUG", {"DEBUG", "INFO"}), ("info", {"INFO"}), ("warn", set()), ("CRITICAL", set())],
)
def test_a_level_is_a_threshold(heartbeat: Heartbeat, level: str, want: set[str]) -> None:
    found = beaten(replace(heartbeat, level=level, format="%(levelname)s"))
    assert set(found) == want


def test_a_file_of_1_mb_and_three_backups(heartbeat: Heartbeat) -> None:
    beaten(replace(heartbeat, limit=1000, frequency=0.1, format=PLAIN))
    files = {path.name: path.stat().st_size for path in heartbeat.file.parent.iterdir()}
    assert set(files) == {"app.log", "app.log.1", "app.log.2", "app.log.3"}
    assert all(size <= 1000 for size in files.values())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"level": "loud"}, "LOG_LEVEL: 'loud' is none of"),
        ({"format": "%(bad"}, "LOG_FORMAT: "),
        ({"format": "%(message)"}, "LOG_FORMAT: "),
        ({"format": "%(nobody)s"}, "LOG_FORMAT: "),
        ({"file": Path("/proc/nothing/app.log")}, "LOG_FILE: cannot write /proc/nothing/app.log"),
    ],
)
def test_what_cannot_be_is_a_clear_error(heartbeat: Heartbeat, change: dict[str, str], reason: str) -> None:
    with pytest.raises(BadConfig, match=re.escape(reason)):
        beaten(replace(heartbeat, **change))
