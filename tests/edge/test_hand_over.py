"""Collector, processor and forwarder as three processes that share nothing but directories; killed at random.

``SHIP_KILLS`` says how often each (8), ``SHIP_SEED`` repeats a run.
"""

import os
import random
import threading
from pathlib import Path

import pytest

from logyard.testing.server import Server
from logyard.testing.shipper import Shipper
from tests.edge.conftest import stored, wait_until

KILLS = int(os.environ.get("SHIP_KILLS", "8"))
SEED = int(os.environ.get("SHIP_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


class Appender:
    """Writes numbered lines to two logs until it is told to stop."""

    def __init__(self, home: Path, moments: random.Random) -> None:
        self.home, self.moments = home, moments
        self.lines: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            name = self.moments.choice("ab")
            with (self.home / f"{name}.log").open("a") as file:
                for _ in range(20):
                    self.lines.append(f"{name} {len(self.lines)}")
                    file.write(self.lines[-1] + "\n")


class Pod:
    """The three processes."""

    def __init__(self, server: Server, home: Path, place: Path) -> None:
        first, second = place / "collected-logs", place / "processed-logs"
        spool = 'type = "spool"\nlook_seconds = 0.1\ndirectory'
        self.between = (first, second)
        self.stages = [
            _stage(
                place, "collector", f'type = "files"\ninclude = ["{home}"]', f'type = "spool"\ndirectory = "{first}"'
            ),
            _stage(
                place, "processor", f'{spool} = "{first}"', f'type = "spool"\ndirectory = "{second}"\nprefix = "p_"'
            ),
            _stage(place, "forwarder", f'{spool} = "{second}"', f'type = "logyard"\nurl = "{server.url}"'),
        ]

    def start(self) -> None:
        for stage in self.stages:
            stage.start()

    def kill(self) -> None:
        for stage in self.stages:
            stage.kill()

    def said(self) -> str:
        return "\n".join(stage.output()[-1000:] for stage in self.stages)


def _stage(place: Path, name: str, receiver: str, output: str) -> Shipper:
    config = place / f"{name}.toml"
    config.write_text(f"[[receivers]]\n{receiver}\n[[outputs]]\n{output}\n")
    return Shipper(place / name, ["--config", str(config)])


@pytest.mark.slow
def test_no_stage_loses_or_doubles_when_it_is_killed(server: Server, home: Path, tmp_path: Path) -> None:
    moments = random.Random(SEED)
    appender, pod = Appender(home, moments), Pod(server, home, tmp_path)
    try:
        for _ in range(KILLS):
            pod.start()
            threading.Event().wait(moments.uniform(0.8, 2.5))  # the moment of the kill, not a condition
            pod.kill()
        appender.stop()
        pod.start()
        wait_until(
            lambda: stored(server, home).keys() >= set(appender.lines),
            lambda: f"SHIP_SEED={SEED}: {len(stored(server, home))} of {len(appender.lines)}\n{pod.said()}",
            seconds=180,
        )
        assert [stage.stop() for stage in pod.stages] == [0, 0, 0]
        assert stored(server, home) == dict.fromkeys(appender.lines, 1), f"SHIP_SEED={SEED}\n{pod.said()}"
        assert not [path for between in pod.between for path in between.glob("[!.]*")]
    finally:
        appender.stop()
        pod.kill()
