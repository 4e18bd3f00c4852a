"""Collector, processor and forwarder as three processes that share nothing but directories; killed at random.

``SHIP_KILLS`` says how often each (8), ``SHIP_SEED`` repeats a run.
"""

import json
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
        self.collected, self.processed = place / "collected-logs", place / "processed-logs"
        collected, processed = ["--collected", str(self.collected)], ["--processed", str(self.processed)]
        self.stages = [
            _stage(place, "collector", str(home), *collected),
            _stage(place, "processor", *collected, *processed),
            _stage(place, "forwarder", *processed, "--to", server.url, "--report", "1"),
        ]

    def start(self) -> None:
        for stage in self.stages:
            stage.start()

    def kill(self) -> None:
        for stage in self.stages:
            stage.kill()

    def said(self) -> str:
        return "\n".join(stage.output()[-1000:] for stage in self.stages)

    def between(self) -> list[str]:
        """What lies between two of them, but for statistics."""
        found = (path.name for place in (self.collected, self.processed) for path in place.glob("[!.]*"))
        return [name for name in found if not name.endswith("_stats.json")]


def _stage(place: Path, role: str, *arguments: str) -> Shipper:
    return Shipper(place / role, arguments, command=("sidecar", role))


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
        wait_until(lambda: not pod.between(), lambda: f"SHIP_SEED={SEED}: {pod.between()}\n{pod.said()}")
        assert [stage.stop() for stage in pod.stages] == [0, 0, 0]
        assert stored(server, home) == dict.fromkeys(appender.lines, 1), f"SHIP_SEED={SEED}\n{pod.said()}"
    finally:
        appender.stop()
        pod.kill()


def test_each_role_writes_what_the_next_one_reads(server: Server, home: Path, tmp_path: Path) -> None:
    """The names, the fields and the statistics of the files are a contract."""
    (home / "error.log").write_text("2026-01-01 00:00:08,584 - ERROR - Database connection timeout\n")
    (home / "other.log").write_text("plain\n")
    pod = Pod(server, home, tmp_path)
    for stage in pod.stages:
        stage.arguments = [*stage.arguments, "--once"]
    collector, processor, forwarder = pod.stages

    collector.start()
    assert collector.wait() == 0, pod.said()
    assert sorted(pod.between()) == ["collected_error.log", "collected_other.log"]
    line = json.loads((pod.collected / "collected_error.log").read_text())
    assert (line["source_file"], line["level"]) == (f"{home}/error.log", "INFO")
    assert line["collected_at"]
    assert json.loads((pod.collected / "collection_stats.json").read_text()).keys() == {
        "timestamp",
        "monitored_files",
        "file_positions",
        "pending_logs",
        "total_pending",
    }

    processor.start()
    assert processor.wait() == 0, pod.said()
    assert sorted(pod.between()) == ["processed_collected_error.log", "processed_collected_other.log"]
    line = json.loads((pod.processed / "processed_collected_error.log").read_text())
    assert (line["timestamp"], line["level"], line["error_type"]) == ("2026-01-01T00:00:08.584Z", "ERROR", "timeout")
    plain = json.loads((pod.processed / "processed_collected_other.log").read_text())
    assert (plain["timestamp"], plain["log_category"]) == (plain["collected_at"], "unknown")

    found = json.loads((pod.processed / "processing_stats.json").read_text())
    assert {"timestamp", "total_processed", "processing_rate_per_minute", "active_processors"} <= found.keys()
    assert found["total_processed"] == 2

    forwarder.start()
    assert forwarder.wait() == 0, pod.said()
    assert not pod.between()
    assert f"{home}/error.log  1" in forwarder.output()
    assert stored(server, home) == {"Database connection timeout": 1, "plain": 1}
