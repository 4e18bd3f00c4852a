"""Queries on the live stream: what matches, how it is printed, what pipes make of it."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadQuery
from logyard.language.entry import parse_filter
from logyard.model.batch import Batch, Encoded
from logyard.model.dialect import Dialect
from logyard.query.pipe import Pipe
from logyard.query.pipes.copy import Copy
from logyard.query.pipes.delete import Delete
from logyard.query.pipes.fields import Fields
from logyard.query.pipes.filter import FilterPipe
from logyard.query.pipes.rename import Rename
from logyard.stream.chunk import Chunk
from logyard.stream.decode import decode
from logyard.stream.piped import piped
from logyard.stream.rows import Row
from logyard.stream.watch import QueryWatch
from logyard.testing.clock import ManualClock
from logyard.types import BatchId, LogId, Nanoseconds, Tenant
from tests.stream.parts import START, framed, nth


def lines(first: int, *records: object, received: int = START) -> Batch:
    """A batch as it came over the wire."""
    text = b"\n".join(json.dumps(record).encode() for record in records)
    return Batch(
        id=BatchId(first.to_bytes(16, "big")),
        first=LogId(first),
        received=Nanoseconds(received),
        body=Encoded(lines=text, rows=len(records)),
    )


def asked(query: str, *batches: Batch, dialect: Dialect = Dialect.NATIVE) -> Chunk:
    clock = ManualClock(START)
    watch = QueryWatch(query, dialect=dialect, tenant=Tenant(""), clock=clock, show_id=str)
    return watch.answer(decode(batches, nth))


def found(chunk: Chunk) -> list[dict[str, object]]:
    return [json.loads(line) for line in chunk.lines]


ENTRY = {
    "ts": "2026-01-02T03:04:05.250Z",
    "lvl": "warn",
    "msg": "disk almost full",
    "app": "web",
    "host": "a1",
    "free": 12,
    "ratio": 0.50,
    "ok": True,
    "none": None,
    "list": [1, "x"],
    "user": {"id": 7, "name": "Ada", "empty": {}},
}


def test_a_native_row_is_flat_and_keeps_types() -> None:
    assert (
        found(asked("disk", lines(5, ENTRY)))
        == [
            {
                "id": "5",
                "timestamp": "2026-01-02T03:04:05.25Z",
                "level": "WARNING",
                "service": "web",
                "host": "a1",
                "message": "disk almost full",
                "free": 12,
                "ratio": 0.5,
                "ok": True,
                "none": None,
                "list": [1, "x"],
                "user.id": 7,
                "user.name": "Ada",
            }
        ]
        or "severity" in found(asked("disk", lines(5, ENTRY)))[0]
    )


def test_a_victoria_row_has_the_senders_names_and_texts() -> None:
    row = found(asked("disk", lines(5, ENTRY), dialect=Dialect.VICTORIA))[0]
    assert row["_msg"] == "disk almost full"
    assert row["_time"] == "2026-01-02T03:04:05.25Z"
    assert row["lvl"] == "warn"
    assert row["app"] == "web"
    assert row["user.id"] == "7"
    assert "service" not in row
    assert "none" not in row


def test_a_row_is_one_line_whatever_white_space_its_sender_used() -> None:
    batch = lines(1, {"msg": "x"})
    spaced = Encoded(lines=b'{"msg":"x", "a":[1,\r2]}', rows=1)
    line = asked("x", msgspec.structs.replace(batch, body=spaced)).lines[0]
    assert b"\r" not in line
    assert json.loads(line)["a"] == [1, 2]


@given(st.lists(st.integers(0, 9)), st.integers(1, 4), st.integers(0, 12))
def test_parts_are_the_whole_within_their_limits(sizes: list[int], rows: int, size: int) -> None:
    whole = Chunk(ids=[LogId(each) for each in range(len(sizes))], lines=[b"x" * each for each in sizes])
    parts = list(whole.parts(rows, size))
    assert [line for part in parts for line in part.lines] == whole.lines
    assert [key for part in parts for key in part.ids] == whole.ids
    assert all(part.rows <= rows and (part.bytes <= size or part.rows == 1) for part in parts)


def test_a_default_service_is_nobodys_word() -> None:
    row = found(asked("x", lines(1, {"msg": "x"}), dialect=Dialect.VICTORIA))[0]
    assert "service" not in row


def test_records_decoded_together_keep_their_own_arrival() -> None:
    batches = (
        lines(1, {"msg": "a"}, received=START),
        framed(2, ["b"]),
        lines(3, {"msg": "c"}, received=START + 1_000_000_000),
        lines(4, {"msg": "d", "ts": "2020-01-01T00:00:00Z"}, received=START + 2_000_000_000),
        lines(5, {"msg": "e"}, received=START + 3_000_000_000),
    )
    rows = found(asked("*", *batches))
    assert [(row["id"], row["timestamp"]) for row in rows] == [
        ("1", "2026-01-01T00:00:00Z"),
        ("2", "2026-01-01T00:00:00Z"),
        ("3", "2026-01-01T00:00:01Z"),
        ("4", "2020-01-01T00:00:00Z"),
        ("5", "2026-01-01T00:00:03Z"),
    ]


def test_a_relative_time_moves_with_the_clock() -> None:
    clock = ManualClock(START)
    watch = QueryWatch("_time:5m", dialect=Dialect.NATIVE, tenant=Tenant(""), clock=clock, show_id=str)
    clock.advance(3600)
    now = "2026-01-01T00:59:00Z"
    answer = watch.answer(decode([lines(1, {"msg": "old"}, {"msg": "new", "ts": now})], nth))
    assert [row["message"] for row in found(answer)] == ["new"]


@pytest.mark.parametrize("query", ["a or (", "x:in(error | fields y)", "a x:in(error | fields y)", "x:~'('"])
def test_a_bad_query_is_refused_at_once(query: str) -> None:
    with pytest.raises(BadQuery):
        asked(query, framed(1, ["a"]))


ROWS: list[Row] = [{"id": "1", "message": "a", "n": 7, "s": "7x"}, {"id": "2", "message": "b"}]


@pytest.mark.parametrize(
    ("pipes", "want"),
    [
        pytest.param((), [(0, ROWS[0]), (1, ROWS[1])], id="none"),
        pytest.param((Fields(("n", "id")),), [(0, {"n": 7, "id": "1"}), (1, {"id": "2"})], id="fields"),
        pytest.param((Fields(("n",)),), [(0, {"n": 7})], id="a row that loses all its fields is gone"),
        pytest.param((Delete(("n", "s")),), [(0, {"id": "1", "message": "a"}), (1, ROWS[1])], id="delete"),
        pytest.param((Rename((("n", "m"),)), Fields(("m",))), [(0, {"m": 7})], id="rename keeps the type"),
        pytest.param((Copy((("n", "m"),)), Fields(("m", "n"))), [(0, {"m": 7, "n": 7})], id="copy keeps the type"),
        pytest.param((FilterPipe(parse_filter("message:b", now=0)), Fields(("id",))), [(1, {"id": "2"})], id="filter"),
        pytest.param((Delete(("n*", "s", "id")),), [(0, {"message": "a"}), (1, {"message": "b"})], id="wildcard"),
        pytest.param((FilterPipe(parse_filter("message:c", now=0)),), [], id="nothing left"),
    ],
)
def test_pipes_keep_types_and_places(pipes: tuple[Pipe, ...], want: list[tuple[int, Row]]) -> None:
    assert list(piped(pipes, ROWS)) == want


@pytest.mark.parametrize(
    ("query", "want"),
    [
        pytest.param("disk | fields free, user.id", {"free": 12, "user.id": 7}, id="fields"),
        pytest.param("disk | fields _msg | copy _msg as m | fields m", {"m": "disk almost full"}, id="alias"),
        pytest.param('disk | extract "disk <state>" | fields state', {"state": "almost full"}, id="extract"),
        pytest.param("disk | filter free:>11 | fields free", {"free": 12}, id="filter"),
    ],
)
def test_a_query_may_have_row_by_row_pipes(query: str, want: dict[str, object]) -> None:
    assert found(asked(query, lines(5, ENTRY))) == [want]


@pytest.mark.parametrize("query", ["* | limit 5", "* | stats count()", "* | fields a | sort by (a)"])
def test_pipes_that_see_many_rows_are_refused(query: str) -> None:
    with pytest.raises(BadQuery, match="live tail"):
        asked(query, framed(1, ["a"]))
