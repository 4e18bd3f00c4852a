"""Following: over restarts, re-creation, removal and an engine that goes away; many at once."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from logyard.agent.v1 import agent_pb2 as pb
from tests.agent.sites import DEADLINE, AgentProcess, Site, eventually, status


class Follower:
    """A follow in a thread of its own; what it has heard so far."""

    def __init__(self, site: Site, name: str, **asked: Any) -> None:
        self.lines: list[bytes] = []
        self.markers: list[str] = []
        self.finished = False
        self.gaps = 0
        self.status: grpc.StatusCode | None = None
        self.call = site.stream(name, follow=True, **asked)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for response in self.call:
                self._take(response)
        except grpc.RpcError as error:
            self.status = status(error)

    def _take(self, response: pb.LogsResponse) -> None:
        kind = response.WhichOneof("response")
        if kind == "entry":
            self.lines.append(response.entry.data)
        elif kind == "marker":
            self.markers.append(response.marker.kind)
        elif kind == "gap":
            self.gaps += 1
        elif kind == "status":
            self.finished = response.status.finished

    def heard(self, *lines: bytes) -> None:
        """Wait until it has heard just these."""
        eventually(lambda: len(self.lines) >= len(lines))
        assert self.lines == list(lines)

    def ended(self) -> None:
        self.thread.join(DEADLINE)
        assert self.finished


def numbered(count: int) -> str:
    return f"echo begin; i=1; while [ $i -le {count} ]; do echo $i; i=$((i+1)); sleep 0.02; done"


def test_lines_come_as_they_are_written_and_the_end_is_told(site: Site) -> None:
    name = site.launch("for i in 1 2 3; do echo $i; sleep 0.3; done; exit 3")
    follower = Follower(site, name, linger_seconds=0.1)
    follower.ended()
    assert follower.lines == [b"1\n", b"2\n", b"3\n"]
    assert follower.markers[-1:] == ["stopped"]
    assert site.inspect(name).exit_code == 3


def test_a_follow_begins_with_the_last_lines(site: Site) -> None:
    name = site.name()
    site.launch(f"seq 1 20; {site.gate(name)} echo new", name=name)
    eventually(lambda: len(site.lines(name)) == 20)
    follower = Follower(site, name, tail=2, linger_seconds=0.1)
    follower.heard(b"19\n", b"20\n")
    site.open(name)
    follower.ended()
    assert follower.lines == [b"19\n", b"20\n", b"new\n"]


def test_a_follow_ends_at_its_until(site: Site) -> None:
    name = site.launch("while true; do echo x; sleep 0.1; done")
    eventually(lambda: site.lines(name))
    follower = Follower(site, name, until=f"@{time.time_ns() + 1_000_000_000}")
    follower.ended()
    assert set(follower.lines) == {b"x\n"}
    site.remove(name)


def test_a_restart_loses_nothing_and_repeats_nothing(site: Site) -> None:
    name = site.launch("echo life; sleep 0.2; exit 1", restart="always")
    follower = Follower(site, name, linger_seconds=30)
    eventually(lambda: len(follower.lines) >= 3 and "restarted" in follower.markers)  # the first may be its history
    site.remove(name)
    assert set(follower.lines) == {b"life\n"}
    eventually(lambda: "removed" in follower.markers)
    follower.call.cancel()


def test_a_container_of_the_same_name_is_followed_too(site: Site) -> None:
    name = site.launch("echo first; sleep 600")
    follower = Follower(site, name, linger_seconds=60)
    follower.heard(b"first\n")
    site.remove(name)
    site.launch("echo second; sleep 600", name=name)
    follower.heard(b"first\n", b"second\n")
    assert "recreated" in follower.markers
    site.remove(name)
    follower.call.cancel()


def test_a_removal_ends_a_follow(site: Site) -> None:
    name = site.launch("echo here; sleep 600")
    patient, follower = Follower(site, name, linger_seconds=100), Follower(site, name, linger_seconds=0.5)
    for each in (patient, follower):
        each.heard(b"here\n")
    site.remove(name)
    follower.ended()  # perhaps before the engine is done with the removal
    eventually(lambda: "removed" in patient.markers)
    patient.call.cancel()


def test_two_hundred_follow_at_once(sites: Callable[[str], Site]) -> None:
    site = sites("docker")
    name = site.name()
    site.launch(f"{site.gate(name)} seq 1 50; sleep 600", name=name)
    followers = [Follower(site, name) for _ in range(200)]
    site.open(name)
    wanted = [b"%d\n" % number for number in range(1, 51)]
    for follower in followers:
        follower.heard(*wanted)
    for follower in followers:
        follower.call.cancel()
    site.remove(name)


def test_out_of_memory_is_known(sites: Callable[[str], Site]) -> None:
    site = sites("docker")
    script = "echo hungry; x=0123456789abcdef; while true; do x=$x$x; done"
    name = site.launch(script, memory_bytes=16 << 20)
    follower = Follower(site, name, linger_seconds=0.1)
    assert site.ended(name).exit_code == 137
    follower.ended()
    eventually(lambda: site.inspect(name).oom_killed)  # engines hear of it on another way than of the end
    assert follower.lines == [b"hungry\n"]


def test_an_engine_that_restarts_is_followed_on(sites: Callable[[str], Site]) -> None:
    site = sites("docker")
    assert site.engine is not None
    name = site.launch("echo life $(cat /tmp/n 2>/dev/null); echo again > /tmp/n; sleep 600", restart="always")
    follower = Follower(site, name, linger_seconds=120)
    follower.heard(b"life\n")
    site.engine.restart()
    follower.heard(b"life\n", b"life again\n")
    assert "restarted" in follower.markers
    site.remove(name)
    follower.call.cancel()


def test_what_was_rotated_away_is_a_gap(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("small")
    config = folder / "agent.toml"
    config.write_text(f'[agent]\ndriver = "process"\n[agent.settings]\nfolder = "{folder}"\nlog_bytes = 20000\n')
    process = AgentProcess("--config", str(config))
    site = Site("process", process, None)
    name = site.name()
    site.launch(f"echo first; {site.gate(name)} seq 1 20000; sleep 600", name=name)
    cursor = eventually(lambda: [each.cursor for each in site.logs(name) if each.cursor])[0]
    site.open(name)
    eventually(lambda: site.lines(name, tail=1) == [b"20000\n"])
    kinds = [response.WhichOneof("response") for response in site.logs(name, cursor=cursor)]
    assert kinds[0] == "gap"
    rest = site.lines(name, cursor=cursor)
    assert rest == [b"%d\n" % number for number in range(20_001 - len(rest), 20_001)]
    site.agent.__exit__()
    assert process.stop() == 0


def test_many_containers_are_read_at_once(site: Site) -> None:
    names = [site.launch(f"seq {start} {start + 99}") for start in (0, 100, 200)]
    with ThreadPoolExecutor(3) as pool:
        read = list(pool.map(lambda name: (site.ended(name), site.lines(name))[1], names))
    assert read == [[b"%d\n" % number for number in range(start, start + 100)] for start in (0, 100, 200)]
