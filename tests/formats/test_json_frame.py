import json
from collections.abc import Iterator

import polars as pl
import pytest
from chdb import session
from hypothesis import given
from hypothesis import strategies as st

from logyard.formats.json.lines import frame, records, validate
from logyard.formats.json.numbers import number_text
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.model.schema import FRAME
from logyard.types import Json, Nanoseconds

NOON = Nanoseconds(1_704_110_400_000_000_000)
ARRIVAL = "2024-01-01T12:00:00Z"
EMPTY: tuple[object, ...] = ("", 0, [])


def framed(*lines: str, reading: Reading = DEFAULT_READING) -> pl.DataFrame:
    text = "\n".join(lines).encode()
    return frame(Encoded(lines=text, rows=len(lines), reading=reading), NOON)


def row(line: str, reading: Reading = DEFAULT_READING) -> dict[str, object]:
    """The columns that hold something, time as text."""
    found = framed(line, reading=reading)
    found = found.with_columns(pl.col("timestamp").dt.to_string("%FT%T%.fZ"))
    shown = found.row(0, named=True).items()
    return {name: value for name, value in shown if value not in EMPTY and (name, value) != ("attributes", "{}")}


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param(
            '{"timestamp":"2024-01-02T03:04:05Z","level":"INFO","message":"m","service":"s","host":"h"}',
            {"timestamp": "2024-01-02T03:04:05Z", "level": "INFO", "severity": 9, "message": "m",
             "service": "s", "host": "h", "stream": '{host="h",service="s"}'},
            id="all names are ours",
        ),
        pytest.param(
            '{"ts":1704164645,"lvl":30,"msg":"m","app":"s","traceId":"t","x":{"y":[1, 2.50]}}',
            {"timestamp": "2024-01-02T03:04:05Z", "level": "INFO", "severity": 9, "level_text": "30",
             "message": "m", "service": "s", "trace_id": "t", "stream": '{service="s"}',
             "attributes": '{"x":{"y":[1,2.50]}}',
             "origin": ",timestamp=ts,level=lvl,message=msg,service=app,trace_id=traceId,"},
            id="other spellings",
        ),
        pytest.param(
            '{"timestamp":"soon","level":"loud","service":null,"message":{"a":1}}',
            {"timestamp": "2024-01-01T12:00:00Z", "level_text": "loud", "service": "unknown", "stream": "{}",
             "attributes": '{"timestamp":"soon","service":null,"message":{"a":1}}',
             "origin": ",timestamp=,service=,"},
            id="what cannot be used stays",
        ),
        pytest.param(
            '{"log":{"level":"warn","x":1},"service":{"name":"s"},"host":{"name":"h"},"timestamp":0}',
            {"timestamp": "1970-01-01T00:00:00Z", "level": "WARNING", "severity": 13, "level_text": "warn",
             "service": "s", "host": "h", "stream": '{host="h",service="s"}',
             "attributes": '{"log":{"x":1},"service":{},"host":{}}',
             "origin": ",level=log.level,service=service.name,host=host.name,"},
            id="nested one level, the object stays",
        ),
        pytest.param(
            '{"timestamp":0,"service":"s","message":"","msg":"m","body":"b"}',
            {"timestamp": "1970-01-01T00:00:00Z", "service": "s", "message": "m", "stream": '{service="s"}',
             "attributes": '{"message":"","body":"b"}', "origin": ",message=msg,"},
            id="the first usable key alone is used",
        ),
        pytest.param(
            '{"timestamp":0,"service":"s","message":true,"host":-1.50}',
            {"timestamp": "1970-01-01T00:00:00Z", "service": "s", "message": "true", "host": "-1.5",
             "stream": '{host="-1.5",service="s"}'},
            id="scalars become text",
        ),
        pytest.param(
            '{"log.level":"error","log":{"level":"info"},"timestamp":0,"service":"s"}',
            {"timestamp": "1970-01-01T00:00:00Z", "level": "ERROR", "severity": 17, "level_text": "error",
             "service": "s", "stream": '{service="s"}',
             "attributes": '{"log":{"level":"info"}}', "origin": ",level=log.level,"},
            id="literally before nested",
        ),
    ],
)  # fmt: skip
def test_a_line_fills_the_columns(line: str, want: dict[str, object]) -> None:
    assert row(line) == want


def test_a_frame_has_the_canonical_schema() -> None:
    assert framed('{"a":1}').schema == FRAME
    assert framed('{"a":1}').null_count().sum_horizontal().item() == 0


def test_a_sender_may_name_keys_and_stream_fields() -> None:
    reading = Reading(message=("text",), timestamp=("when",), stream_fields=("app", "k8s.pod.name", "level", "none"))
    found = row('{"when":0,"text":"m","msg":"n","app":"a","k8s":{"pod":{"name":"p"}},"level":"warn"}', reading)
    assert found["stream"] == '{app="a",k8s.pod.name="p",level="WARNING"}'
    assert found["message"] == "m"
    assert found["origin"] == ",timestamp=when,message=text,service=app,"
    assert row("{}", Reading(stream_fields=()))["stream"] == "{}"


def test_one_key_may_fill_two_columns() -> None:
    found = row(
        '{"timestamp":0,"x":"v","o":{"k":"w"}}',
        Reading(message=("x",), host=("x",), source=("o.k",), span_id=("o.k",)),
    )
    assert [found[name] for name in ("message", "host", "source", "span_id")] == ["v", "v", "w", "w"]
    assert found["attributes"] == '{"o":{}}'


def test_rows_keep_their_order_whatever_their_keys() -> None:
    lines = [
        json.dumps({"msg" if number % 2 else "message": str(number), f"k{number % 7}": number}) for number in range(500)
    ]
    assert framed(*lines)["message"].to_list() == [str(number) for number in range(500)]


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param(
            '{"time":"2024-01-02 03:04:05.250","severity":"warn","msg":"m","app":"s","a":{"b":[1]}}',
            {"time": "2024-01-02T03:04:05.25Z", "severity": "warn", "msg": "m", "app": "s", "a": {"b": [1]}},
            id="the sender's keys",
        ),
        pytest.param(
            '{"ts":0,"level":30,"service":{"name":"s","x":1}}',
            {"ts": "1970-01-01T00:00:00Z", "level": 30, "service": {"name": "s", "x": 1}},
            id="number of a level, nested service",
        ),
        pytest.param('{"a":1}', {"timestamp": ARRIVAL, "service": "unknown", "a": 1}, id="defaults under our names"),
        pytest.param(
            '{"timestamp":"soon","service":null,"log.level":"x"}',
            {"timestamp": "soon", "service": None, "log.level": "x"},
            id="the sender's keys before defaults",
        ),
    ],
)
def test_a_record_comes_back_as_it_came(line: str, want: dict[str, Json]) -> None:
    assert next(records(framed(line))) == want


KEYS = st.sampled_from(["message", "msg", "level", "service", "host", "trace_id", "source", "x", "a.b", "log", "span"])
VALUES = st.text(min_size=1) | st.none() | st.lists(st.integers(), max_size=2)


@given(st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=2)))
def test_any_record_comes_back_but_for_its_time(record: dict[str, Json]) -> None:
    line = json.dumps(record, ensure_ascii=False).encode(errors="surrogatepass")
    encoded = validate(line).encoded
    assert encoded is not None
    returned = next(records(frame(encoded, NOON)))
    extra = (
        {"timestamp": ARRIVAL}
        if "service" in record or returned.get("service") != "unknown"
        else {"timestamp": ARRIVAL, "service": "unknown"}
    )
    assert returned == {**json.loads(encoded.lines), **extra} or _numeric_level(record)


def _numeric_level(record: dict[str, Json]) -> bool:
    """A string that looks like a number comes back as one: its type is not kept."""
    level = record.get("level")
    return isinstance(level, str) and level[-1:].isdigit()


@pytest.fixture(scope="module")
def engine() -> Iterator[session.Session]:
    opened = session.Session()  # type: ignore[no-untyped-call]
    yield opened
    opened.close()  # type: ignore[no-untyped-call]


EDGES = [
    "0",
    "-0",
    "-0.0",
    "0e5",
    "1.0",
    "1e21",
    "1e20",
    "1e-6",
    "1e-7",
    "123456789012345678901234567890",
    "5e-324",
]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(), min_size=1),
    st.floats(-1e25, 1e25),
)
def test_numbers_become_the_text_that_the_engine_makes(
    engine: session.Session, numbers: list[float], more: float
) -> None:
    texts = [*EDGES, *map(repr, numbers), f"{more:.3e}", f"{more:.12f}"]
    listed = ",".join(f"""'{{"a":{text}}}'""" for text in texts)
    question = f"SELECT JSONExtractString(arrayJoin([{listed}]), 'a')"
    answer = engine.query(question, "TSV")  # type: ignore[no-untyped-call]
    assert [number_text(text) for text in texts] == answer.bytes().decode().split()
