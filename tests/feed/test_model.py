"""Replication against a model: whatever fails and in whatever order, when all is well again every node has everything
that was acknowledged, once, and all nodes have the same.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from logyard.clock import SystemClock
from logyard.errors import NotNow
from logyard.feed import CompositeFilter, LogLevel, MemoryStorage
from logyard.feed.balancing import RoundRobin
from logyard.feed.block import Writer, encoded
from logyard.feed.entry import NewLog
from logyard.feed.group import Group, Mode, Replication, Strategy
from logyard.feed.link import Link, LinkSettings
from logyard.model.ids import SnowflakeIds
from logyard.testing.storages import FlakyStorage
from tests.feed.conftest import until

NODES = range(3)
SIDES = range(2)
"""Processes that feed the same nodes, each with its own view of which are there."""


class Side:
    """One process: its number in ids, its lines to the nodes, and the group it makes of them."""

    def __init__(self, machine: int, stores: list[MemoryStorage], how: Replication) -> None:
        self.clock = SystemClock()
        self.writer = Writer(SnowflakeIds(machine, self.clock), self.clock)
        self.lines = [FlakyStorage(store) for store in stores]
        self.how = how
        self.group = self.begun()

    def begun(self) -> Group:
        patience = LinkSettings(health_seconds=0.002, backlog=8)
        links = [Link(f"n{n}", line, settings=patience, clock=self.clock) for n, line in enumerate(self.lines)]
        return Group(links, self.how, balancer=RoundRobin(), clock=self.clock)

    def restart(self) -> None:
        """What waited for nodes is forgotten."""
        self.group.close()
        self.group = self.begun()


class Replicas(RuleBasedStateMachine):
    strategy: Strategy
    mode: Mode
    sides_count: int

    @initialize()
    def begin(self) -> None:
        ids = SnowflakeIds(1, SystemClock())
        how = Replication(strategy=self.strategy, mode=self.mode, timeout_seconds=0.05)
        self.stores = [MemoryStorage(ids) for _ in NODES]
        self.sides = [Side(machine, self.stores, how) for machine in range(self.sides_count)]
        self.acknowledged: set[str] = set()

    @rule(side=st.sampled_from(SIDES), rows=st.integers(1, 4))
    def write(self, side: int, rows: int) -> None:
        one = self._side(side)
        logs = [NewLog(level=LogLevel.INFO, message=str(n), service_name="s") for n in range(rows)]
        block = one.writer.block(encoded(logs), one.writer.arrival())
        try:
            one.group.write(block)
        except NotNow:
            return
        self.acknowledged |= set(one.writer.texts(block))

    @rule(side=st.sampled_from(SIDES), node=st.sampled_from(NODES), away=st.booleans())
    def cut(self, side: int, node: int, away: bool) -> None:  # noqa: FBT001 - drawn
        self._side(side).lines[node].away = away

    @rule(side=st.sampled_from(SIDES), node=st.sampled_from(NODES))
    def lose_an_answer(self, side: int, node: int) -> None:
        self._side(side).lines[node].losing = 1

    @rule(side=st.sampled_from(SIDES))
    def restart(self, side: int) -> None:
        self._side(side).restart()

    @rule(side=st.sampled_from(SIDES), node=st.sampled_from(NODES))
    def promote(self, side: int, node: int) -> None:
        if self.strategy == "master-slave":
            try:
                self._side(side).group.promote(f"n{node}")
            except NotNow:
                return

    @invariant()
    def nothing_is_anywhere_twice(self) -> None:
        for store in self.stores:
            found = self._ids(store)
            assert len(found) == len(set(found))

    def teardown(self) -> None:
        for side in self.sides:
            for line in side.lines:
                line.away, line.losing = False, 0
        # One process that begins anew finds what those that ended before it left behind.
        self.sides[0].restart()
        until(lambda: all(side.group.complete for side in self.sides))
        until(lambda: len({tuple(sorted(self._ids(store))) for store in self.stores}) == 1)
        assert self.acknowledged <= set(self._ids(self.stores[0]))
        self.nothing_is_anywhere_twice()
        for side in self.sides:
            side.group.close()

    def _side(self, side: int) -> Side:
        return self.sides[side % len(self.sides)]

    def _ids(self, store: MemoryStorage) -> list[str]:
        return [each.entry.id for each in store.find(CompositeFilter(), limit=10_000).timed]


def machine(strategy_: Strategy, mode_: Mode, sides: int) -> type[RuleBasedStateMachine]:
    class Chosen(Replicas):
        strategy = strategy_
        mode = mode_
        sides_count = sides

    return Chosen


@pytest.mark.parametrize("mode", ["asynchronous", "quorum", "synchronous"])
@pytest.mark.parametrize(("strategy", "sides"), [("master-slave", 1), ("multi-master", 2)])
def test_replicas_agree(strategy: Strategy, sides: int, mode: Mode) -> None:
    run_state_machine_as_test(
        machine(strategy, mode, sides),
        settings=settings(
            max_examples=int(os.environ.get("FEED_EXAMPLES", "10")),
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
