"""What is known of all lines: the same on decoded records as on lines that are decoded later."""

import msgspec
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from logyard.formats.json.frame import frame
from logyard.formats.json.lines import validate
from logyard.formats.lines.constants import with_constants
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.types import Nanoseconds

NOW = Nanoseconds(1_767_225_600_000_000_000)
KEYS = st.sampled_from(["message", "level", "service", "host", "source", "env", "user", "trace_id", "a"])
VALUES = st.one_of(st.text(max_size=5), st.integers(0, 60), st.just({"env": "x"}), st.just('"env":'))
NAMES = st.sampled_from(["level", "service", "host", "source", "env", "user", "trace_id"])
SAID = ["timestamp", "level", "severity", "level_text", "service", "host", "source", "message", "trace_id", "stream"]


@given(
    st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), min_size=1, max_size=5),
    st.dictionaries(NAMES, st.text('ab"\\ ', min_size=1, max_size=4), max_size=4),
)
def test_the_same_as_for_lines_that_are_not_decoded_yet(
    rows: list[dict[str, object]], constants: dict[str, str]
) -> None:
    found = validate(b"\n".join(map(msgspec.json.encode, rows)))
    assert found.encoded is not None
    body = found.encoded
    later = frame(Encoded(lines=body.lines, rows=body.rows, reading=DEFAULT_READING.given(constants)), NOW)
    now = with_constants(frame(body, NOW), constants)
    assert now.select(SAID).equals(later.select(SAID))
    for mine, theirs in zip(now["attributes"], later["attributes"], strict=True):
        assert msgspec.json.decode(mine) == msgspec.json.decode(theirs)


def test_no_records_and_no_constants_change_nothing() -> None:
    table = frame(Encoded(lines=b"one", rows=1, reading=msgspec.structs.replace(DEFAULT_READING, kind="plain")), NOW)
    assert with_constants(table, {}) is table
    empty: pl.DataFrame = table.clear()
    assert with_constants(empty, {"env": "x"}) is empty
