"""Levels, entries, balancing, sharding: what is decided without any storage."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadPayload
from logyard.feed import CompositeFilter, LeastLoaded, LogEntry, LogFilter, LogLevel, RoundRobin, ServiceFilter
from logyard.feed.block import encoded
from logyard.feed.entry import NewLog
from logyard.feed.filters import TimeRangeFilter
from logyard.feed.sharding import ByService, ByTime, OneShard, sharding
from logyard.feed.storage import Digest, digest, mixed

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "level"),
    [("ERROR", "ERROR"), ("warn", "WARNING"), ("Fatal", "CRITICAL"), ("trace", "DEBUG"), ("notice", "INFO")],
)
def test_a_level_in_any_spelling(text: str, level: str) -> None:
    assert LogLevel(text) is LogLevel[level]


def test_a_word_that_is_no_level() -> None:
    with pytest.raises(ValueError, match="'loud' is not a valid LogLevel"):
        LogLevel("loud")


def test_an_entry_cannot_be_changed() -> None:
    inner: dict[str, object] = {"list": [1, {"a": 2}]}
    entry = LogEntry(
        id="1-1-1", timestamp=START, level=LogLevel.INFO, service_name="s", message="m", metadata={"inner": inner}
    )
    inner["more"] = 1
    with pytest.raises(AttributeError):
        entry.message = "other"  # type: ignore[misc] # that is the point
    with pytest.raises(TypeError):
        entry.metadata["more"] = 1  # type: ignore[index] # that is the point
    assert entry.metadata == {"inner": MappingProxyType({"list": (1, MappingProxyType({"a": 2}))})}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param({"timestamp": datetime(2026, 1, 1)}, "item 1: .* has no time zone", id="no zone"),  # noqa: DTZ001 - that is the point
        pytest.param({"timestamp": datetime(1969, 1, 1, tzinfo=UTC)}, "item 1: .* is not in 1970-2261", id="early"),
        pytest.param({"message": "\ud800"}, "item 1: cannot be written as JSON", id="half a character"),
        pytest.param({"message": "x" * (2 << 20)}, "item 1: line of 20.* bytes, over", id="too long"),
    ],
)
def test_an_entry_that_no_store_can_read_is_named(bad: dict[str, object], reason: str) -> None:
    good = NewLog(level=LogLevel.INFO, message="m", service_name="s")
    with pytest.raises(BadPayload, match=reason):
        encoded([good, msgspec.structs.replace(good, **bad)])


def test_nothing_is_no_block() -> None:
    with pytest.raises(BadPayload, match="there are no entries"):
        encoded([])


def test_empty_objects_are_left_out() -> None:
    log = NewLog(level=LogLevel.INFO, message=":{}", service_name="s", metadata={"a": {"b": {}, "c": 1}, "d": {}})
    assert encoded([log]).lines == b'{"level":"INFO","message":":{}","service_name":"s","metadata":{"a":{"c":1}}}'


class Place:
    def __init__(self, name: str, load: int) -> None:
        self.name = name
        self.load = load


def test_round_robin_takes_turns() -> None:
    balancer, places = RoundRobin(), [Place(name, 0) for name in "abc"]
    assert ["".join(each.name for each in balancer.order(places)) for _ in range(4)] == ["abc", "bca", "cab", "abc"]
    assert balancer.order([]) == []


def test_the_least_loaded_is_first_and_equals_take_turns() -> None:
    balancer, places = LeastLoaded(), [Place("a", 2), Place("b", 0), Place("c", 0)]
    assert [balancer.order(places)[0].name for _ in range(3)] == ["b", "b", "c"]
    assert balancer.order(places)[-1].name == "a"


@given(st.lists(st.integers(1, (1 << 63) - 1), unique=True), st.integers(0, 10))
def test_a_digest_is_of_the_ids_in_any_order(ids: list[int], cut: int) -> None:
    assert digest(ids) == digest(ids[cut:], digest(ids[:cut])) == digest(ids[::-1])
    assert len({mixed(each) for each in ids}) == len(ids)


def test_digests_of_other_ids_differ() -> None:
    # The pattern of a split: two writers, two milliseconds, each side has other ones.
    ids = [(ms << 22) | (machine << 12) for ms in (5, 6) for machine in (1, 2)]
    assert digest([ids[0], ids[3]]) != digest([ids[1], ids[2]])
    assert digest([]) == Digest(0, 0)


def log(service: str = "s", when: datetime | None = None) -> NewLog:
    return NewLog(level=LogLevel.INFO, message="m", service_name=service, timestamp=when)


def test_a_service_has_one_shard() -> None:
    by = ByService(4)
    places = {f"s{n}": by.place(log(f"s{n}"), n) for n in range(200)}
    assert all(by.place(log(name), 0) == place for name, place in places.items())
    assert min(Counter(places.values()).values()) > 20
    assert by.place(log(""), 0) == by.place(log("unknown"), 0)


def test_a_span_has_one_shard_and_the_next_span_the_next() -> None:
    by = ByTime(3, timedelta(seconds=10))
    times = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in (0, 9, 10, 20, 30)]
    assert [by.place(log(when=time), 0) for time in times] == [0, 0, 1, 2, 0]
    assert by.place(log(), 15 * SECOND) == 1


SERVICES = ByService(8)
A, B = SERVICES.place(log("a"), 0), SERVICES.place(log("b"), 0)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        pytest.param(CompositeFilter(), list(range(8)), id="everything"),
        pytest.param(ServiceFilter("a"), [A], id="one"),
        pytest.param(ServiceFilter("a", "b"), sorted({A, B}), id="two"),
        pytest.param(ServiceFilter("a", "b") & ServiceFilter("b"), [B], id="both must hold"),
        pytest.param(~ServiceFilter("a"), list(range(8)), id="all but one"),
        pytest.param(ServiceFilter("a") | ServiceFilter("b"), list(range(8)), id="an or is not looked into"),
    ],
)
def test_a_question_about_services_goes_to_their_shards(wanted: LogFilter, places: list[int]) -> None:
    assert list(SERVICES.places(wanted)) == places


@given(st.integers(0, 10**6), st.integers(0, 100), st.integers(1, 60), st.integers(1, 5))
def test_a_question_about_a_time_goes_to_the_shards_of_that_time(
    start: int, length: int, span: int, shards: int
) -> None:
    by = sharding("time", shards, timedelta(seconds=span))
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    asked = set(by.places(TimeRangeFilter(first, first + timedelta(seconds=length))))
    for second in range(length):
        assert by.place(log(when=first + timedelta(seconds=second)), 0) in asked


def test_one_shard_is_no_question() -> None:
    assert isinstance(sharding("service", 1, timedelta(hours=1)), OneShard)
