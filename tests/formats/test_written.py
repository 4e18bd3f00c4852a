"""Frames as JSON lines: the same as record by record, and read again they are the same frame."""

import msgspec
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from logyard.formats.json.frame import frame
from logyard.formats.json.lines import validate
from logyard.formats.json.record import records
from logyard.formats.json.written import written
from logyard.formats.lines.catalog import line_format
from logyard.model.civil.customs import Customs
from logyard.model.schema import FRAME
from logyard.types import Nanoseconds

NOW = Nanoseconds(1_767_225_600_000_000_000)
VALUES = st.one_of(
    st.text(max_size=6), st.integers(-9, 99), st.booleans(), st.none(), st.just({"a": "b", "level": "x"})
)
KEYS = st.sampled_from([
    "message", "msg", "level", "lvl", "time", "service", "app", "host.name", "host", "a", "a.b",
    "log.level", "log", "trace_id",
])  # fmt: skip
ROWS = st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6), min_size=1, max_size=6)


def again(table: pl.DataFrame) -> pl.DataFrame:
    found = validate(written(table))
    assert found.encoded is not None
    assert not found.rejected
    return frame(found.encoded, NOW)


@given(ROWS)
def test_the_same_as_record_by_record(rows: list[dict[str, object]]) -> None:
    found = validate(b"\n".join(map(msgspec.json.encode, rows)))
    assert found.encoded is not None
    table = frame(found.encoded, NOW)
    texts = [msgspec.json.decode(line) for line in written(table).split(b"\n")]
    want = list(records(table))
    assert texts == want


def test_levels_of_a_formats_own_words_mean_the_same_to_who_reads_them() -> None:
    lines = pl.Series(
        ["7:M 10 Jan 2026 11:55:36.123 # a", "7:M 10 Jan 2026 11:55:36.123 * b", "7:M 10 Jan 2026 11:55:36.123 . c"]
    )
    table = line_format("redis").decode(lines, Customs(now=NOW)).frame
    columns = ["timestamp", "level", "severity", "message", "attributes"]
    assert again(table).select(columns).equals(table.select(columns))
    assert table["severity"].n_unique() == 3


def test_what_a_program_wrote_with_quotes_and_lines_comes_back() -> None:
    message = 'a "quoted"\n\tline \\ with \x01 and ü😀'
    table = (
        line_format("json_log")
        .decode(pl.Series([msgspec.json.encode({"message": message}).decode()]), Customs(now=NOW))
        .frame
    )
    assert again(table)["message"].to_list() == [message]


def test_no_rows_are_no_lines() -> None:
    assert written(pl.DataFrame(schema=FRAME)) == b""
