from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadInput
from logyard.model.ids import LogIds, SequentialIds, SnowflakeIds, UuidIds
from logyard.types import LogId

NOON = 1_704_110_400_000


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, milliseconds: int = NOON) -> None:
        self.milliseconds = milliseconds

    def now(self) -> int:
        return self.milliseconds * 1_000_000

    def monotonic(self) -> float:
        return 0.0


def block(ids: LogIds, count: int) -> list[LogId]:
    first = ids.reserve(count)
    return [ids.nth(first, index) for index in range(count)]


def test_a_snowflake_is_milliseconds_machine_and_sequence() -> None:
    ids = SnowflakeIds(1, Clock())
    first = ids.reserve(200)
    assert ids.text(first) == f"{NOON}-1-0"
    assert ids.text(ids.nth(first, 123)) == f"{NOON}-1-123"


def test_a_block_runs_on_into_the_next_milliseconds() -> None:
    ids = SnowflakeIds(1, Clock())
    first = ids.reserve(10_000)
    assert ids.text(ids.nth(first, 4095)) == f"{NOON}-1-4095"
    assert ids.text(ids.nth(first, 4096)) == f"{NOON + 1}-1-0"
    assert ids.text(ids.reserve(1)) == f"{NOON + 2}-1-{10_000 - 8192}"


steps = st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(1, 9000)), min_size=1, max_size=8)


@given(steps, st.integers(0, 1023))
def test_ids_rise_and_never_repeat_whatever_the_clock_does(moves: list[tuple[int, int]], machine: int) -> None:
    clock = Clock()
    ids = SnowflakeIds(machine, clock)
    given_out: list[LogId] = []
    for jump, count in moves:
        clock.milliseconds += jump
        given_out += block(ids, count)
    assert all(one < other for one, other in pairwise(given_out))


@given(st.integers(1, (1 << 62)), st.integers(0, 1023))
def test_ids_are_higher_than_those_before_a_restart(last: int, machine: int) -> None:
    assert SnowflakeIds(machine, Clock(), after=LogId(last)).reserve(1) > last


@pytest.mark.parametrize("kind", [SnowflakeIds, UuidIds])
@given(count=st.integers(1, 9000), before=st.integers(1, 9000))
def test_the_texts_of_a_block_are_those_of_its_ids(kind: type[SnowflakeIds], count: int, before: int) -> None:
    ids = kind(3, Clock())
    ids.reserve(before)
    first = ids.reserve(count)
    ends = {0, count - 1, count // 2}
    texts = ids.texts(first, count)
    assert len(texts) == count
    assert {texts[index] for index in ends} == {ids.text(ids.nth(first, index)) for index in ends}


def test_the_texts_of_a_block_that_counts() -> None:
    ids = SequentialIds(8)
    assert ids.texts(ids.reserve(4), 4) == ["8", "9", "10", "11"]


def test_threads_get_blocks_of_their_own() -> None:
    ids = SnowflakeIds(1, Clock())
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda count: block(ids, count), [7] * 500))
    assert len({log_id for part in blocks for log_id in part}) == 3500


@pytest.mark.parametrize("ids", [SnowflakeIds(3, Clock()), UuidIds(3, Clock()), SequentialIds()], ids=type)
@given(number=st.integers(0, (1 << 63) - 1))
def test_what_is_printed_can_be_read(ids: LogIds, number: int) -> None:
    assert ids.parse(ids.text(LogId(number))) == number


@given(st.integers(0, (1 << 63) - 1), st.integers(0, (1 << 63) - 1))
def test_uuids_sort_like_their_numbers(one: int, other: int) -> None:
    ids = UuidIds(0, Clock())
    assert (ids.text(LogId(one)) < ids.text(LogId(other))) == (one < other)


def test_a_uuid_is_of_version_8() -> None:
    text = UuidIds(5, Clock()).text(UuidIds(5, Clock()).reserve(1))
    assert text[14] == "8"
    assert text[19] in "89ab"


def test_sequential_ids_count_up() -> None:
    ids = SequentialIds(7)
    assert block(ids, 3) == [7, 8, 9]
    assert block(ids, 2) == [10, 11]


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        pytest.param(SnowflakeIds(1, Clock()), "", id="empty"),
        pytest.param(SnowflakeIds(1, Clock()), "1-2", id="part missing"),
        pytest.param(SnowflakeIds(1, Clock()), "1-1024-1", id="machine too large"),
        pytest.param(SnowflakeIds(1, Clock()), "1-1-4096", id="sequence too large"),
        pytest.param(SnowflakeIds(1, Clock()), "2199023255552-1-1", id="time too large"),
        pytest.param(SnowflakeIds(1, Clock()), "01-1-1", id="leading zero"),
        pytest.param(UuidIds(1, Clock()), "urn", id="no UUID"),
        pytest.param(UuidIds(1, Clock()), "6ba7b810-9dad-11d1-80b4-00c04fd430c8", id="somebody's UUID"),
        pytest.param(UuidIds(1, Clock()), "ffffffff-ffff-8fff-bfff-ffffffffffff", id="highest UUID"),
        pytest.param(SequentialIds(), "-1", id="negative"),
        pytest.param(SequentialIds(), str(1 << 63), id="64 bits"),
    ],
)
def test_a_bad_id_is_refused_and_named(ids: LogIds, text: str) -> None:
    with pytest.raises(BadInput) as problem:
        ids.parse(text)
    assert text in str(problem.value)


def test_a_block_has_at_least_one_id() -> None:
    with pytest.raises(ValueError, match="not 0"):
        SequentialIds().reserve(0)


def test_a_machine_has_ten_bits() -> None:
    with pytest.raises(ValueError, match="1024"):
        SnowflakeIds(1024, Clock())
