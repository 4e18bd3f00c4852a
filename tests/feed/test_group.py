"""Groups of nodes: who accepts, how many must have an entry, who is asked, and what an outage leaves behind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from logyard.clock import SystemClock
from logyard.errors import BadConfig, BadPayload, Incomplete, NotNow
from logyard.feed import CompositeFilter, LogLevel, MemoryStorage
from logyard.feed.balancing import RoundRobin
from logyard.feed.block import Block, Writer, encoded
from logyard.feed.entry import NewLog
from logyard.feed.group import Group, Mode, Replication, Strategy
from logyard.feed.link import Link, LinkSettings
from logyard.feed.storage import Storage
from logyard.model.ids import LogIds
from logyard.testing.storages import FlakyStorage
from tests.feed.conftest import until

HEALTH = 0.02
"""Seconds between two looks."""
MODES: list[Mode] = ["asynchronous", "quorum", "synchronous"]
STRATEGIES: list[Strategy] = ["master-slave", "multi-master"]


class Rig:
    """A group of storages in memory that fail when told to."""

    def __init__(self, ids: LogIds, how: Replication, nodes: int, backlog: int = 1000) -> None:
        clock = SystemClock()
        self.writer = Writer(ids, clock)
        self.nodes = [FlakyStorage(MemoryStorage(ids)) for _ in range(nodes)]
        settings = LinkSettings(health_seconds=HEALTH, backlog=backlog)
        links = [Link(f"n{n}", node, settings=settings, clock=clock) for n, node in enumerate(self.nodes)]
        self.group = Group(links, how, balancer=RoundRobin(), clock=clock)

    def block(self, rows: int = 1) -> Block:
        logs = [NewLog(level=LogLevel.INFO, message=f"m{n}", service_name="s") for n in range(rows)]
        return self.writer.block(encoded(logs), self.writer.arrival())

    def write(self, rows: int = 1) -> Block:
        block = self.block(rows)
        self.group.write(block)
        return block

    def held(self) -> list[int]:
        """Entries on each node."""
        return [node.inner.counts().total for node in self.nodes]

    def state(self, node: int) -> str:
        return self.group.statuses()[node].state

    def settled(self) -> None:
        until(lambda: self.group.complete)


Maker = Callable[..., Rig]


@pytest.fixture
def rig(ids: LogIds) -> Iterator[Maker]:
    with ExitStack() as stack:

        def make(
            strategy: Strategy = "master-slave", mode: Mode = "asynchronous", nodes: int = 3, backlog: int = 1000
        ) -> Rig:
            made = Rig(ids, Replication(strategy=strategy, mode=mode, timeout_seconds=30), nodes, backlog)
            stack.callback(made.group.close)
            made.settled()
            return made

        yield make


def total(storage: Storage) -> int:
    return storage.find(CompositeFilter(), limit=1).total


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("mode", MODES)
def test_every_node_gets_everything(rig: Maker, strategy: Strategy, mode: Mode) -> None:
    made = rig(strategy, mode)
    for _ in range(20):
        made.write(2)
    made.settled()
    assert made.held() == [40, 40, 40]


@pytest.mark.parametrize(("mode", "want"), [("asynchronous", 1), ("quorum", 2), ("synchronous", 3)])
def test_an_acknowledgement_means_so_many_nodes(rig: Maker, mode: Mode, want: int) -> None:
    made = rig(mode=mode)
    made.write()
    assert sum(held == 1 for held in made.held()) >= want


def test_asynchronous_does_not_wait_for_a_slave(rig: Maker) -> None:
    made = rig()
    made.nodes[1].hold()
    made.write(3)
    assert made.held()[:2] == [3, 0]
    status = made.group.statuses()[1]
    assert status.lag_entries == 3
    assert status.lag_seconds > 0
    made.nodes[1].release()
    made.settled()
    assert made.group.statuses()[1].lag_entries == 0
    assert made.group.statuses()[1].lag_seconds == 0


def test_a_quorum_does_not_wait_for_the_slowest(rig: Maker) -> None:
    made = rig(mode="quorum")
    made.nodes[2].hold()
    made.write()
    assert made.held() == [1, 1, 0]
    made.nodes[2].release()


def test_synchronous_refuses_while_one_is_away(rig: Maker) -> None:
    made = rig(mode="synchronous")
    made.nodes[2].away = True
    until(lambda: made.state(2) == "away")
    with pytest.raises(NotNow, match=r"3 nodes must have it, and only 2 answer.*told to be away"):
        made.write()
    assert made.held() == [0, 0, 0]
    made.nodes[2].away = False
    made.settled()
    made.write()
    assert made.held() == [1, 1, 1]


def test_a_quorum_lives_through_one_and_not_through_two(rig: Maker) -> None:
    made = rig(mode="quorum")
    made.nodes[1].away = True
    until(lambda: made.state(1) == "away")
    made.write()
    made.nodes[2].away = True
    until(lambda: made.state(2) == "away")
    with pytest.raises(NotNow, match="only 1 answer"):
        made.write()


def test_what_is_on_too_few_nodes_is_not_acknowledged_and_not_lost(rig: Maker) -> None:
    made = rig(mode="synchronous")
    made.nodes[2].losing = 10**9
    with pytest.raises(Incomplete, match="fewer than 3 nodes have it"):
        made.write()
    made.nodes[2].losing = 0
    made.settled()
    assert made.held() == [1, 1, 1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_node_that_comes_back_gets_what_it_missed(rig: Maker, strategy: Strategy) -> None:
    made = rig(strategy)
    made.nodes[1].away = True
    until(lambda: made.state(1) == "away")
    for _ in range(10):
        made.write(5)
    assert made.group.statuses()[1].lag_entries == 50
    made.nodes[1].away = False
    made.settled()
    assert made.held() == [50, 50, 50]


def test_an_outage_that_is_longer_than_the_backlog(rig: Maker) -> None:
    made = rig(backlog=10)
    made.nodes[1].away = True
    until(lambda: made.state(1) == "away")
    for _ in range(20):
        made.write(3)
    assert made.group.statuses()[1].lag_entries == 60
    made.nodes[1].away = False
    made.settled()
    assert made.held() == [60, 60, 60]


def test_a_slow_node_is_compared_when_its_backlog_overflows(rig: Maker) -> None:
    made = rig(backlog=10)
    made.nodes[1].hold()
    for _ in range(20):
        made.write(3)
    made.nodes[1].release()
    made.settled()
    assert made.held() == [60, 60, 60]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_lost_answers_store_nothing_twice(rig: Maker, strategy: Strategy) -> None:
    made = rig(strategy)
    made.nodes[1].losing = 3
    for _ in range(10):
        made.write()
    made.settled()
    assert made.held() == [10, 10, 10]


def test_without_its_master_a_group_takes_nothing_and_answers(rig: Maker) -> None:
    made = rig()
    made.write()
    made.settled()
    made.nodes[0].away = True
    with pytest.raises(NotNow, match="told to be away"):
        made.write()
    with pytest.raises(NotNow, match="nobody accepts entries: n0: told to be away"):
        made.write()
    assert [made.group.read(total) for _ in range(4)] == [1, 1, 1, 1]


def test_another_master(rig: Maker) -> None:
    made = rig(mode="quorum")
    made.write()
    made.nodes[0].away = True
    until(lambda: made.state(0) == "away")
    made.group.promote("n1")
    made.write()
    assert [status.writes for status in made.group.statuses()] == [False, True, False]
    made.nodes[0].away = False
    made.settled()
    assert made.held() == [2, 2, 2]


def test_who_cannot_be_the_master(rig: Maker) -> None:
    made = rig()
    with pytest.raises(BadConfig, match="'n9' is none of the nodes of a master and its slaves: n0, n1, n2"):
        made.group.promote("n9")
    made.nodes[1].away = True
    until(lambda: made.state(1) == "away")
    with pytest.raises(NotNow, match="n1 is away itself"):
        made.group.promote("n1")
    with pytest.raises(BadConfig):
        rig("multi-master").group.promote("n1")


def test_any_master_accepts(rig: Maker) -> None:
    made = rig("multi-master")
    made.nodes[0].away = True
    made.nodes[1].losing = 1
    for _ in range(6):
        made.write()
    made.nodes[0].away = False
    made.settled()
    assert made.held() == [6, 6, 6]


def test_questions_go_to_nodes_that_have_everything(rig: Maker) -> None:
    made = rig()
    made.nodes[2].hold()
    made.write()
    until(lambda: made.held()[1] == 1)
    until(lambda: made.group.statuses()[1].lag_entries == 0)
    before = [node.asked for node in made.nodes]
    assert {made.group.read(total) for _ in range(10)} == {1}
    assert [node.asked - was for node, was in zip(made.nodes, before, strict=True)] == [5, 5, 0]
    made.nodes[2].release()


def test_a_question_goes_on_to_the_next_node(rig: Maker) -> None:
    made = rig()
    made.write()
    made.settled()
    made.nodes[0].away = made.nodes[1].away = True
    assert [made.group.read(total) for _ in range(3)] == [1, 1, 1]
    made.nodes[2].away = True
    with pytest.raises(NotNow):
        made.group.read(total)


def test_what_a_node_never_takes_costs_the_others_nothing(rig: Maker) -> None:
    made = rig()
    bad = made.block()
    write = made.nodes[1].inner.write

    def refusing(blocks: list[Block], *, fresh: bool = False) -> None:
        if bad in blocks:
            raise BadPayload("never")
        write(blocks, fresh=fresh)

    made.nodes[1].inner.write = refusing  # type: ignore[method-assign,assignment] # a node with limits of its own
    made.nodes[1].hold()
    made.write()
    made.group.write(bad)
    made.write()
    made.nodes[1].release()
    made.settled()
    assert made.held() == [3, 2, 3]
    assert made.group.statuses()[1].refused == 1


def test_many_threads(rig: Maker) -> None:
    made = rig("multi-master", "quorum")

    def work() -> None:
        for _ in range(50):
            made.write(2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.settled()
    assert made.held() == [400, 400, 400]


def test_instances_share_one_store(ids: LogIds) -> None:
    clock = SystemClock()
    store = MemoryStorage(ids)
    nodes = [FlakyStorage(store), FlakyStorage(store)]
    links = [
        Link(f"n{n}", node, settings=LinkSettings(health_seconds=HEALTH), clock=clock) for n, node in enumerate(nodes)
    ]
    group = Group(links, Replication(strategy="instances"), balancer=RoundRobin(), clock=clock)
    writer = Writer(ids, clock)
    nodes[0].away = True
    for _ in range(5):
        logs = [NewLog(level=LogLevel.INFO, message="m", service_name="s")]
        group.write(writer.block(encoded(logs), writer.arrival()))
    assert store.counts().total == 5
    assert group.read(total) == 5
    group.close()
