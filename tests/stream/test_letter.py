"""What travels on the bus, and what is made of greetings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadPayload
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.stream.bus.letter import Greeting, Passed, batch_letter, greeting_letter, in_parts, open_letter
from logyard.stream.bus.nodes import Nodes
from logyard.types import BatchId, LogId, Nanoseconds, Tenant
from tests.stream.parts import framed, nth

GREETING = Greeting(node="a", machine=3, acknowledged=7, stored=5, lag=0.5)


def encoded(texts: list[bytes]) -> Batch:
    body = Encoded(lines=b"\n".join(texts), rows=len(texts), reading=Reading(message=("text",)))
    return Batch(
        id=BatchId(bytes(16)), first=LogId(10), received=Nanoseconds(5), body=body, tenant=Tenant("acme"), keyed=True
    )


def test_a_letter_is_read_as_it_was_written() -> None:
    batch = encoded([b"{}", b'{"text":"a"}'])
    letter = open_letter(batch_letter(b"instance", 42, batch))
    assert (letter.instance, letter.before, letter.content) == (b"instance", 42, batch)
    assert open_letter(batch_letter(b"instance", 42, batch), whole=False).content == Passed(first=LogId(10), rows=2)
    assert open_letter(greeting_letter(b"instance", 1, GREETING)).content == GREETING


def test_frames_are_read_as_they_were_written() -> None:
    batch = framed(3, ["a", "b"], tenant="us")
    found = open_letter(batch_letter(b"instance", 0, batch)).content
    assert isinstance(found, Batch)
    assert found.first == 3
    assert found.tenant == "us"
    assert not isinstance(found.body, Encoded)
    assert not isinstance(batch.body, Encoded)
    assert found.body.equals(batch.body)


@pytest.mark.parametrize("name", ["", "a\r\nSet-Cookie: x", "a\n", "a b", "x" * 65])
def test_a_name_that_could_not_stand_in_a_header_is_refused(name: str) -> None:
    greeting = Greeting(node=name, machine=3, acknowledged=7, stored=5, lag=0.5)
    with pytest.raises(BadPayload):
        open_letter(greeting_letter(b"instance", 1, greeting))


@given(st.binary(max_size=200))
def test_whatever_the_bytes_nothing_but_bad_payload_is_raised(data: bytes) -> None:
    for letter in (data, b"LYB1" + data, batch_letter(b"instance", 0, encoded([b"{}"]))[:-1] + data):
        try:
            open_letter(letter)
        except BadPayload:
            continue


@given(st.lists(st.integers(1, 900).map(lambda size: b"x" * size), min_size=1), st.integers(1_100, 3_000))
def test_parts_are_the_whole(texts: list[bytes], limit: int) -> None:
    row, lines = 0, []
    for part in in_parts(encoded(texts), limit, nth):
        if isinstance(part, int):
            assert len(texts[row]) > limit - 1_100
            lines += texts[row : row + part]
            row += part
            continue
        assert isinstance(part.body, Encoded)
        assert part.first == 10 + row
        assert len(batch_letter(b"instance", 0, part)) <= limit
        lines += part.body.lines.split(b"\n")
        row += part.body.rows
    assert lines == texts


@pytest.mark.parametrize(
    ("letters", "missed"),
    [
        pytest.param([(100, 3), (103, 2), (105, 0)], [0, 0, 0], id="nothing"),
        pytest.param([(100, 3), (110, 2)], [0, 7], id="a gap"),
        pytest.param([(100, 0), (110, 0), (110, 5)], [0, 10, 0], id="told by a greeting"),
        pytest.param([(100, 3), (100, 3), (103, 1)], [0, 0, 0], id="twice"),
    ],
)
def test_missing_rows_are_counted(letters: list[tuple[int, int]], missed: list[int]) -> None:
    nodes = Nodes(1)
    assert [nodes.missed(b"instance", before, rows) for before, rows in letters] == missed


def test_a_node_that_left_nothing_behind_is_forgotten_and_its_number_is_free() -> None:
    nodes = Nodes(3)
    assert nodes.greet(b"1", GREETING, 0.0)
    assert not nodes.greet(b"1", GREETING, 1.0)
    assert nodes.twins(2.0) == ["a"]
    assert nodes.twins(10.0) == []
    assert [str(each) for each in nodes.neighbours(3.0)] == ["a;seconds=2.500;batches=2;heard=2.000"]
    assert len(nodes.neighbours(1_000.0)) == 1, "its records cannot be found yet"
    done = Greeting(node="a", machine=3, acknowledged=7, stored=7, lag=0.0)
    nodes.greet(b"1", done, 5.0)
    assert nodes.neighbours(1_000.0) == []


def test_a_successor_takes_its_predecessors_place() -> None:
    nodes = Nodes(1)
    nodes.greet(b"old", GREETING, 0.0)
    nodes.greet(b"new", GREETING, 1.0)
    assert len(nodes.neighbours(1.0)) == 1
