"""The verifier finds what was done to records, in every layout; interval sets are sets."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.clock import SystemClock
from logyard.demo.generating import Order, batches
from logyard.demo.intervals import Intervals
from logyard.demo.layouts import LAYOUTS
from logyard.demo.pace import Pace
from logyard.demo.stamps import Condition, Seen, checked_stream, find, stamp
from logyard.demo.verifying import Findings, Verifier
from logyard.errors import BadConfig
from tests.demo.conftest import START

EVENTS = 200
FAULTS = ("lost", "duplicated", "reordered", "split", "altered")

Lines = list[bytes]


def made(layout: str, stream: str = "s1") -> Lines:
    order = Order(layout=layout, stream=stream, seed=1, start=START, events=EVENTS)
    pace = Pace(SystemClock(), start=START, speed=math.inf)
    return b"".join(batch.lines for batch in batches(order, pace)).splitlines()


def verified(lines: Lines, *, only: str = "", expected: int = EVENTS) -> Findings:
    verifier = Verifier(only)
    verifier.take(lines)
    return verifier.findings(expected)


def found(lines: Lines, *, expected: int = EVENTS) -> dict[str, int]:
    stream = verified(lines, expected=expected).streams[0]
    return {name: getattr(stream, name) for name in FAULTS if getattr(stream, name)}


def in_two(line: bytes, share: float) -> Lines:
    """The cut falls into the text, near its beginning or near its end."""
    at = line.index(b" [genseq")
    start = at - int(line[at:].split(b" ")[4])
    cut = start + max(1, int((at - start) * share))
    return [line[:cut], line[cut:]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("change", "want"),
    [
        pytest.param(lambda x: x, {}, id="nothing"),
        pytest.param(lambda x: x[:9] + x[10:], {"lost": 1}, id="one lost"),
        pytest.param(lambda x: x[50:], {"lost": 50}, id="the beginning lost"),
        pytest.param(lambda x: x[:-3], {"lost": 3}, id="the end lost"),
        pytest.param(lambda x: [*x[:5], x[4], *x[5:]], {"duplicated": 1}, id="one twice"),
        pytest.param(lambda x: x + x, {"duplicated": EVENTS}, id="all twice"),
        pytest.param(lambda x: [*x[:5], x[6], x[5], *x[7:]], {"reordered": 1}, id="two swapped"),
        pytest.param(lambda x: [*x[:5], *in_two(x[5], 0.1), *x[6:]], {"split": 1}, id="split early"),
        pytest.param(lambda x: [*x[:5], *in_two(x[5], 0.9), *x[6:]], {"split": 1}, id="split late"),
        pytest.param(lambda x: [*x[:5], in_two(x[5], 0.5)[0], *x[6:]], {"lost": 1}, id="cut off"),
        pytest.param(lambda x: [*x[:5], x[5].replace(b"u-", b"v-"), *x[6:]], {"altered": 1}, id="altered"),
    ],
)
def test_what_was_done_is_found(layout: str, change: Callable[[Lines], Lines], want: dict[str, int]) -> None:
    lines = change(made(layout))
    assert found(lines) == want
    assert verified(lines).ok == (not want)


def test_all_at_once() -> None:
    x = made("json")
    x = [*x[:10], x[11], x[10], *x[12:20], *x[21:30], x[30], x[30], *x[31:40], *in_two(x[40], 0.5), *x[41:]]
    assert found(x) == {"lost": 1, "duplicated": 1, "reordered": 1, "split": 1}


def test_a_cut_within_the_stamp_is_seen() -> None:
    lines = made("text")
    cut = lines[7].index(b"genseq") + 10
    findings = verified([*lines[:7], lines[7][:cut], lines[7][cut:], *lines[8:]])
    assert (findings.broken_stamps, findings.streams[0].lost, findings.ok) == (1, 1, False)


def test_two_records_in_one_are_seen() -> None:
    lines = made("text")
    findings = verified([lines[0] + lines[1], *lines[2:]])
    assert (findings.joined, findings.streams[0].split, findings.ok) == (1, 0, False)


def test_streams_are_counted_apart() -> None:
    one, two = made("json", "one"), made("json", "two")
    mixed = [line for pair in zip(one, two, strict=True) for line in pair]
    findings = verified(mixed[:-1])
    assert [(stream.stream, stream.lost) for stream in findings.streams] == [("one", 0), ("two", 1)]
    assert verified(mixed[:-1], only="one").ok
    assert not verified(mixed[:-1], only="two").ok


@pytest.mark.parametrize("lines", [pytest.param([], id="nothing"), pytest.param([b"hello"], id="others' logs")])
def test_nothing_found_is_not_ok(lines: Lines) -> None:
    assert not verified(lines, expected=0).ok
    assert not verified(lines, only="s1").ok
    assert verified(lines, only="s1").streams[0].lost == EVENTS


def test_a_stamp_says_where_its_text_begins() -> None:
    text = "Zoë zahlt".encode()
    line = b"prefix: " + text + b" " + stamp("a-b_1", 7, text).encode() + b" suffix"
    assert list(find(line)) == [Seen("a-b_1", 7, Condition.INTACT)]


@given(st.binary())
def test_any_bytes_can_be_looked_at(line: bytes) -> None:
    verified(line.split(b"\n"))
    verified([b'{"message":"' + line])


@pytest.mark.parametrize("name", ["", "a b", "a]", "é", "x" * 41, "a'b"])
def test_a_stream_cannot_be_called_anything(name: str) -> None:
    with pytest.raises(BadConfig, match="cannot name a stream"):
        checked_stream(name)


@given(st.lists(st.integers(min_value=1, max_value=30)))
def test_intervals_are_a_set(numbers: list[int]) -> None:
    intervals, model = Intervals(), set[int]()
    for number in numbers:
        assert intervals.add(number) == (number not in model)
        model.add(number)
    assert intervals.count == len(model)
    assert intervals.highest == max(model, default=0)
    assert intervals.runs == sum(number - 1 not in model for number in model)


def test_millions_of_neighbours_take_one_pair() -> None:
    intervals = Intervals()
    for number in range(1, 300_000):
        intervals.add(number)
    assert (intervals.count, intervals.runs) == (299_999, 1)
