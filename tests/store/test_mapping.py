"""The store's SQL and the Python decoder read a line alike."""

from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logyard.formats.json.lines import validate
from logyard.formats.json.settle import block, settled
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.model.schema import KEYED_COLUMNS
from logyard.ports import Statement
from logyard.store.embedded import EmbeddedStore
from logyard.store.mapping import (
    COLUMNS,
    WAL_ROW,
    Survey,
    frames_select,
    lines_select,
    literal,
    survey_select,
)
from logyard.store.parcel import ARROW_ROW, with_places
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.record import body_of, encode

RECEIVED = Nanoseconds(1_767_225_600_123_456_789)
FIRST = LogId((1_767_225_600_000 << 22) | (1 << 12) | 4090)

KEYS = sorted({key for column in KEYED_COLUMNS for key in getattr(DEFAULT_READING, column)})
TIMES = [
    "2026-01-01T00:00:00Z",
    "2026-01-01 00:00:00,123+02:00",
    "2026-02-30T00:00:00Z",
    "1704110400",
    "1704110400123.25",
    "9999999999999999999",
    "00001704110400",
    "1969-12-31T23:59:59Z",
    "yesterday",
]
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    text,
    st.sampled_from([*TIMES, "warn", "ERROR", " Info ", "30", "true", "null", "12", "-1.5e3", '"x"', "[a]", "{b}", ""]),
    st.sampled_from([10, 30, 3, 1704110400, 1704110400123]),
)
keys = st.one_of(st.sampled_from(KEYS), st.sampled_from(["a", "b.c", "user", "log", "name", "level"]), text)
value = st.recursive(
    scalar,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
readings = st.builds(
    Reading,
    stream_fields=st.lists(
        st.sampled_from(["service", "host", "app", "level", "user", "a", "b.c", "log.level"]), max_size=3
    ).map(tuple),
)
records = st.lists(st.dictionaries(keys, value, max_size=6), min_size=1, max_size=6)


def batch_of(lines: bytes, reading: Reading = DEFAULT_READING) -> Batch:
    """A batch as the inlet would make it."""
    found = validate(lines, reading)
    assert isinstance(found.encoded, Encoded), found.rejected
    return Batch(id=BatchId(b"0" * 16), first=FIRST, received=RECEIVED, body=found.encoded)


def by_engine(store: EmbeddedStore, path: Path, batch: Batch) -> pl.DataFrame:
    """The rows of ``logs`` as the engine reads them from a segment."""
    assert isinstance(batch.body, Encoded)
    body = body_of(batch)
    path.write_bytes(encode(batch, body) + bytes(body))
    source = f"file({literal(str(path))}, RowBinary, {literal(WAL_ROW)})"
    found, braces = store.query(Statement(sql=survey_select(source, batch.body.reading))).row(0)
    select = lines_select(source, batch.body.reading, Survey(frozenset(found), braces), sequential=False)
    return rows_of(store, select)


def by_frame(store: EmbeddedStore, path: Path, batch: Batch) -> pl.DataFrame:
    """The same rows by way of Python's decoder."""
    arrow = path.with_suffix(".arrow")
    with_places([batch]).write_ipc_stream(arrow, compat_level=pl.CompatLevel.oldest())
    source = f"file({literal(str(arrow))}, ArrowStream, {literal(ARROW_ROW)})"
    return rows_of(store, frames_select(source, sequential=False))


def rows_of(store: EmbeddedStore, select: str) -> pl.DataFrame:
    """In the order of their ids, under the table's names, attributes and object names sorted."""
    plain = [name for name in COLUMNS if name not in {"attributes", "objects"}]
    sql = (
        f"SELECT {', '.join(plain)}, "
        "arraySort(arrayMap((k, v) -> concat(k, '=', v), mapKeys(attributes), mapValues(attributes))) AS attributes, "
        f"arraySort(objects) AS objects FROM ({select}) ORDER BY id"
    )
    return store.query(Statement(sql=sql))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=records, reading=readings)
def test_engine_and_decoder_agree(
    store: EmbeddedStore, segment: Path, rows: list[dict[str, object]], reading: Reading
) -> None:
    batch = batch_of(b"\n".join(msgspec.json.encode(row) for row in rows), reading)
    engine, decoder = by_engine(store, segment, batch), by_frame(store, segment, batch)
    assert engine.to_dicts() == decoder.to_dicts()


constants = st.dictionaries(
    st.sampled_from(["service", "host", "source", "level", "env", "a", "user", "app", "log", 'o"dd\\n']),
    st.one_of(text, st.sampled_from(["warn", "12", "true", '"x', "a/b"])).filter(bool),
    max_size=4,
)
plain_line = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.sampled_from(
        ["[1]", '"x"', "12", "null", " {", "a\x00b", "\x00", "\t", "{", "{]", '{"a":NaN}', '{"msg":"hi"} tail']
    ),
).map(lambda line: line.replace("\n", " ").replace("\r", " "))
json_line = st.dictionaries(keys, value, max_size=4).map(lambda row: msgspec.json.encode(row).decode())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.one_of(plain_line, json_line), min_size=1, max_size=6), given_=constants, reading=readings)
def test_engine_and_decoder_agree_on_blocks_with_constants(
    store: EmbeddedStore, segment: Path, rows: list[str], given_: dict[str, str], reading: Reading
) -> None:
    raw = block("\n".join(rows).encode(), msgspec.structs.replace(reading.given(given_), kind="raw"))
    assert raw is not None
    batch = Batch(id=BatchId(b"0" * 16), first=FIRST, received=RECEIVED, body=settled(raw))
    engine, decoder = by_engine(store, segment, batch), by_frame(store, segment, batch)
    assert engine.to_dicts() == decoder.to_dicts()


def test_a_block_is_messages_with_the_receivers_constants(store: EmbeddedStore, segment: Path) -> None:
    reading = Reading(kind="plain").given({"service": "shop", "source": "/l/a.log", "level": "warn", "env": "12"})
    body = block(b'one\r\n\n{"a":1}\ntw\xffo\0\n', reading)
    assert body is not None
    rows = by_engine(store, segment, Batch(id=BatchId(b"0" * 16), first=FIRST, received=RECEIVED, body=body)).to_dicts()
    assert [row["message"] for row in rows] == ["one", '{"a":1}', "tw\ufffdo\0"]
    want = {
        "service": "shop",
        "source": "/l/a.log",
        "level": "WARNING",
        "stream": '{service="shop"}',
        "attributes": ['env="12"'],
        "origin": ",timestamp=,service=,",
    }
    assert {key: rows[0][key] for key in want} == want


def test_bodies_that_differ_in_constants_only_are_one_statement(store: EmbeddedStore, segment: Path) -> None:
    bodies = [block(b"x", Reading(kind="plain").given({"source": name})) for name in ("a", "b")]
    batches = [Batch(id=BatchId(b"0" * 16), first=FIRST, received=RECEIVED, body=body) for body in bodies if body]
    segment.write_bytes(b"".join(encode(batch, body_of(batch)) + bytes(body_of(batch)) for batch in batches))
    source = f"file({literal(str(segment))}, RowBinary, {literal(WAL_ROW)})"
    reading = Reading(kind="plain").given({"source": "any"})
    rows = rows_of(store, lines_select(source, reading, Survey(frozenset(), 0), sequential=False))
    assert sorted(rows["source"]) == ["a", "b"]
    assert sorted(with_places(batches)["source"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param(b'{"message":"a"}', {"message": "a", "service": "unknown"}, id="defaults"),
        pytest.param(b'{"msg":"a","lvl":"warn"}', {"level": "WARNING", "level_text": "warn"}, id="spellings"),
        pytest.param(
            b'{"service":{"name":"api"},"log":{"level":"err"}}', {"service": "api", "level": "ERROR"}, id="nested"
        ),
        pytest.param(b'{"n":12,"s":"12"}', {"attributes": ["n=12", 's="12"']}, id="numbers-and-strings-differ"),
        pytest.param(b'{"a":{"b":{"c":1}}}', {"attributes": ["a.b.c=1"], "objects": ["a", "a.b"]}, id="flattened"),
        pytest.param(b'{"x":null,"y":true}', {"attributes": ["x=null", "y=true"]}, id="null-and-true"),
        pytest.param(
            b'{"app":"s","host":"h"}',
            {"stream": '{host="h",service="s"}', "origin": ",timestamp=,service=app,"},
            id="stream",
        ),
    ],
)
def test_a_line_fills_columns(store: EmbeddedStore, segment: Path, line: bytes, want: dict[str, object]) -> None:
    row = by_engine(store, segment, batch_of(line)).to_dicts()[0]
    assert {key: row[key] for key in want} == want


def test_ids_run_on_into_the_next_millisecond(store: EmbeddedStore, segment: Path) -> None:
    batch = batch_of(b"\n".join([b'{"a":1}'] * 10))
    ids = by_engine(store, segment, batch)["id"].to_list()
    assert [number & 4095 for number in ids] == [4090, 4091, 4092, 4093, 4094, 4095, 0, 1, 2, 3]
    assert ids[6] >> 22 == (FIRST >> 22) + 1


def test_a_senders_own_keys_are_the_only_ones_tried(store: EmbeddedStore, segment: Path) -> None:
    reading = Reading(message=("text",), timestamp=("when",), stream_fields=("pod", "service"))
    batch = batch_of(b'{"text":"t","message":"m","when":1704110400,"pod":"p\\"1"}', reading)
    row = by_engine(store, segment, batch).to_dicts()[0]
    assert row["message"] == "t"
    assert row["attributes"] == ["message=m", 'pod=p"1']
    assert row["stream"] == '{pod="p\\"1"}'
