"""The quick way and the general way give the same frame."""

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.formats.json import frame as frames
from logyard.formats.json.lines import validate
from logyard.formats.json.uniform import uniform
from logyard.model import timestamp
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.types import Nanoseconds

NOW = Nanoseconds(1_767_225_600_000_000_000)
SHAPES = [
    ("timestamp", "level", "service", "host", "message", "trace_id", "metadata"),
    ("ts", "lvl", "msg", "a.b"),
    ("message", "msg"),
    ("severity_text", "body", "service.name"),
    ("x", "y z"),
]
VALUES = {
    "timestamp": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 00:00:00,5", "soon"]),
    "ts": st.sampled_from([1_704_110_400, 1_704_110_400_123, "1704110400"]),
    "level": st.sampled_from(["INFO", "warn", 30, ""]),
    "metadata": st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3),
}
plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.integers(-5, 2**70) | st.none()


def encoded(records: list[dict[str, object]], reading: Reading = DEFAULT_READING) -> Encoded:
    found = validate(b"\n".join(msgspec.json.encode(record) for record in records), reading).encoded
    assert isinstance(found, Encoded)
    return found


@st.composite
def batches(draw: st.DrawFn) -> list[dict[str, object]]:
    shape = draw(st.sampled_from(SHAPES))
    record = st.fixed_dictionaries({key: VALUES.get(key, plain) for key in shape})
    return draw(st.lists(record, min_size=1, max_size=6))


def rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    """With the attributes read: the order of their keys means nothing."""
    return [{**row, "attributes": msgspec.json.decode(row["attributes"])} for row in frame.to_dicts()]


@given(records=batches())
def test_both_ways_give_the_same_frame(records: list[dict[str, object]]) -> None:
    lines = encoded(records)
    general = frames._assembled(frames._by_row(lines, timestamp.parse_series), lines.reading, NOW)
    assert rows(frames.frame(lines, NOW)) == rows(general)


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([{"message": "a", "n": 1}, {"message": "b", "n": {"x": 2}}], id="attributes-of-any-kind"),
        pytest.param([{"ts": 1704110400, "msg": "a"}], id="a-number-as-time"),
        pytest.param([{"a": None}], id="no-known-key"),
    ],
)
def test_plain_lines_take_the_quick_way(records: list[dict[str, object]]) -> None:
    assert uniform(encoded(records).lines, DEFAULT_READING) is not None


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([{"message": "a"}, {"message": "b", "c": 1}], id="another-key"),
        pytest.param([{"message": "a"}, {"msg": "b"}], id="another-spelling"),
        pytest.param([{"message": ""}], id="empty"),
        pytest.param([{"message": {"a": 1}}], id="an-object"),
        pytest.param([{"log": {"level": "info"}}], id="nested-spelling"),
        pytest.param([{'a"b': 1}], id="a-key-no-struct-can-have"),
    ],
)
def test_others_do_not(records: list[dict[str, object]]) -> None:
    assert uniform(encoded(records).lines, DEFAULT_READING) is None
