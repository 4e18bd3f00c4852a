"""Replicas as real processes: killed amid feeding, and a pair that is split and heals."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import logyard
from logyard.client import Client
from logyard.errors import Incomplete, NotNow, StoreFailed
from logyard.feed import LogFeedingService, create_log_service
from logyard.feed.group import Mode
from logyard.testing.line import Line
from logyard.testing.server import Server
from tests.feed.conftest import servers, until

BATCH = 20
KILLS = int(os.environ.get("FEED_KILLS", "1"))
"""How often a replica is killed; with more than one kill, in every way of replicating."""


class Feeder:
    """Feeds in a thread, entries one by one and in batches, and keeps what was acknowledged."""

    def __init__(self, service: LogFeedingService, name: str) -> None:
        self.acknowledged: list[str] = []
        self.failures = 0
        self._service = service
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def reached(self, more: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= wanted, seconds=240)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(240)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.acknowledged.append(self._service.ingest_log("INFO", "one", self._name))
                logs = [{"level": "INFO", "message": f"of {n}", "service": self._name} for n in range(BATCH)]
                self.acknowledged += self._service.ingest_batch(logs)
            except (NotNow, StoreFailed, Incomplete):
                self.failures += 1
                self._stop.wait(0.02)


def held(client: Client) -> Counter[str]:
    return Counter(str(row["id"]) for row in client.query("* | fields id", limit=1_000_000))


@pytest.mark.parametrize(
    ("strategy", "mode", "replicas", "victim"),
    [
        pytest.param("master-slave", "asynchronous", 2, "node-2", id="a slave that is copied to later"),
        pytest.param("multi-master", "synchronous", 2, "node-1", id="a master of two that must agree"),
        *([pytest.param("master-slave", "quorum", 3, "node-3", id="a slave of a quorum")] if KILLS > 1 else []),
    ],
)
def test_a_killed_replica_is_started_again_and_gets_what_it_missed(
    tmp_path: Path, strategy: str, mode: Mode, replicas: int, victim: str
) -> None:
    with create_log_service(
        tmp_path,
        use_replication=True,
        strategy=strategy,  # type: ignore[arg-type] # one of the two
        mode=mode,
        replicas=replicas,
        health_seconds=0.1,
        timeout_seconds=60,
    ) as service:
        feeder = Feeder(service, "shop")
        feeder.reached(100)
        for _ in range(KILLS):
            (pid,) = servers(tmp_path / victim)
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: servers(tmp_path / victim) not in ([], [pid]), seconds=240)  # type: ignore[misc] # mypy knows no lambda's default
            feeder.reached(100)
        feeder.stop()
        assert service.settle(240), service.stats()
        ready = {f"node-{n}": "ready" for n in range(1, replicas + 1)}
        until(lambda: {node.name: node.state for node in service.stats().shards[0]} == ready)
    for node in range(1, replicas + 1):
        with logyard.open(tmp_path / f"node-{node}") as client:
            found = held(client)
            assert set(feeder.acknowledged) <= found.keys()
            assert set(found.values()) == {1}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Server(tmp_path / name)) for name in ("a", "b")]


def beside(here: Server, line: Line, machine: int) -> LogFeedingService:
    """A service that stands beside one of the pair, with a line to the other."""
    return create_log_service(
        [here.url, line.url],
        use_replication=True,
        strategy="multi-master",
        machine=machine,
        health_seconds=0.1,
        timeout_seconds=60,
    )


def test_a_split_pair_that_heals(pair: list[Server]) -> None:
    a, b = pair
    with ExitStack() as stack:
        to_b, to_a = (stack.enter_context(Line(urlsplit(server.url).port or 0)) for server in (b, a))
        one, two = stack.enter_context(beside(a, to_b, 11)), stack.enter_context(beside(b, to_a, 12))
        feeders = [Feeder(one, "one"), Feeder(two, "two")]
        for feeder in feeders:
            feeder.reached(100)
        to_a.cut()
        to_b.cut()
        until(lambda: one.stats().shards[0][1].state == two.stats().shards[0][1].state == "away")
        for feeder in feeders:
            feeder.reached(100)
        assert min(one.stats().lag_entries, two.stats().lag_entries) >= 100
        assert min(one.stats().lag_seconds, two.stats().lag_seconds) > 0
        to_a.mend()
        to_b.mend()
        for feeder in feeders:
            feeder.reached(100)
            feeder.stop()
        assert one.settle(240), one.stats()
        assert two.settle(240), two.stats()
        assert (one.stats().lag_entries, two.stats().lag_entries) == (0, 0)
    _all_on_both(pair, {log_id for feeder in feeders for log_id in feeder.acknowledged})


def test_a_side_that_ends_during_the_split_leaves_nothing_behind(pair: list[Server]) -> None:
    a, b = pair
    with ExitStack() as stack:
        to_b, to_a = (stack.enter_context(Line(urlsplit(server.url).port or 0)) for server in (b, a))
        to_a.cut()
        to_b.cut()
        acknowledged: set[str] = set()
        for here, line, machine in ((a, to_b, 11), (b, to_a, 12)):
            with beside(here, line, machine) as service:
                acknowledged |= {service.ingest_log("INFO", str(n), "s") for n in range(10)}
                acknowledged |= set(service.ingest_batch([{"level": "INFO", "message": "m", "service": "s"}] * 700))
        to_b.mend()
        with beside(a, to_b, 11) as service:
            assert service.settle(240), service.stats()
    _all_on_both(pair, acknowledged)


def _all_on_both(pair: list[Server], acknowledged: set[str]) -> None:
    for server in pair:
        with Client(server.url) as client:
            found = held(client)
        assert acknowledged <= found.keys()
        assert set(found.values()) == {1}
