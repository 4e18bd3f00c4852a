"""Which replicas a query may be answered from: decided by positions, failures and departures alone."""

import pytest

from logyard.errors import DiskFull, StoreFailed
from logyard.model.batch import Batch
from logyard.ports import Parcel
from logyard.store.cluster.failures import Away
from logyard.store.cluster.node import Node
from logyard.store.cluster.pinning import Change, Pins
from logyard.store.cluster.replica import Replica, Shard, ready
from logyard.store.cluster.topology import Place, Slot
from logyard.store.cluster.url import Address, parse
from logyard.testing.parcels import ParcelMaker


class Pair:
    """Two replicas of shard 1, without servers."""

    def __init__(self) -> None:
        url = parse("clickhouse://h1,h2/db?cluster=c")
        pins = Pins([Change(0, 1)], "segment")
        nodes = [Node(Place(Slot(1, n, f"h{n}", 9000), Address(f"h{n}", 8123)), url) for n in (1, 2)]
        self.failure: Exception | None = None
        self.one, self.two = (Replica(node, pins, self._store) for node in nodes)
        self.shard = Shard([self.one, self.two]).join()
        for node in nodes:
            node.trouble = ""

    def _store(self, node: Node, parcel: Parcel) -> None:
        del parcel
        if self.failure is not None and node is self.two.node:
            raise self.failure

    def flow(self, *positions: int) -> None:
        self.one.passed(positions[0])
        self.two.passed(positions[1])

    def leave(self, replica: Replica) -> None:
        replica.node.departures += 1
        replica.node.trouble = "is away: refused"

    def come_back(self, replica: Replica) -> None:
        replica.node.trouble = ""

    @property
    def answering(self) -> list[str]:
        return [str(node.slot) for node in ready(self.shard)]


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def parcel(parcels: ParcelMaker) -> Parcel:
    batch: Batch = parcels.batch([{"message": "m"}])
    return parcels.parcel([batch])


def test_at_the_start_only_the_furthest_answers(pair: Pair) -> None:
    pair.flow(5, 9)
    assert pair.answering == ["s1r2"]
    assert pair.one.state == "behind"
    pair.one.passed(9)
    assert pair.answering == ["s1r1", "s1r2"]


def test_in_the_regular_flow_both_answer_though_one_is_ahead(pair: Pair) -> None:
    pair.flow(9, 9)
    pair.one.passed(12)
    assert pair.answering == ["s1r1", "s1r2"]


def test_a_late_word_of_an_earlier_place_changes_nothing(pair: Pair) -> None:
    pair.flow(9, 9)
    pair.leave(pair.two)
    pair.one.passed(12)
    pair.one.passed(10)
    pair.come_back(pair.two)
    pair.two.passed(10)
    assert pair.answering == ["s1r1"]


def test_one_that_was_away_answers_when_it_has_everything(pair: Pair) -> None:
    pair.flow(9, 9)
    pair.leave(pair.two)
    assert pair.answering == ["s1r1"]
    pair.one.passed(12)
    pair.come_back(pair.two)
    assert pair.two.state == "behind"
    pair.two.passed(11)
    assert pair.answering == ["s1r1"]
    pair.two.passed(12)
    assert pair.answering == ["s1r1", "s1r2"]


def test_one_that_missed_nothing_answers_at_once(pair: Pair) -> None:
    pair.flow(9, 9)
    pair.leave(pair.two)
    pair.come_back(pair.two)
    assert pair.answering == ["s1r1", "s1r2"]


@pytest.mark.parametrize("failure", [DiskFull("full"), StoreFailed("no")], ids=["disk full", "refused"])
def test_one_that_refuses_is_left_out_as_soon_as_the_other_is_further(
    pair: Pair, parcel: Parcel, failure: Exception
) -> None:
    pair.flow(9, 9)
    pair.failure = failure
    with pytest.raises(type(failure)):
        pair.two.insert(parcel)
    assert pair.answering == ["s1r1", "s1r2"]
    pair.one.passed(10)
    assert pair.answering == ["s1r1"]
    pair.failure = None
    pair.two.insert(parcel)
    assert pair.answering == ["s1r1"]
    pair.two.passed(10)
    assert pair.answering == ["s1r1", "s1r2"]


def test_one_that_is_behind_does_not_answer_in_the_place_of_one_that_is_away(pair: Pair) -> None:
    pair.flow(9, 9)
    pair.leave(pair.two)
    pair.one.passed(12)
    pair.come_back(pair.two)
    pair.leave(pair.one)
    with pytest.raises(Away, match=r"shard 1 is away: is away: refused; s1r2 .* takes what it has missed"):
        ready(pair.shard)


def test_a_parcel_for_one_that_is_away_is_not_even_sent(pair: Pair, parcel: Parcel) -> None:
    pair.failure = AssertionError("sent")
    pair.leave(pair.two)
    with pytest.raises(Away, match="refused"):
        pair.two.insert(parcel)
