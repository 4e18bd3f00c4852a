import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.model import timestamp

SECOND = timestamp.SECOND
NOON = 1_704_110_400 * SECOND  # 2024-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("2024-01-01T12:00:00Z", NOON, id="RFC 3339"),
        pytest.param("2024-01-01t12:00:00z", NOON, id="lower case"),
        pytest.param("2024-01-01 12:00:00", NOON, id="no zone is UTC"),
        pytest.param("2024-01-01T13:30:00+01:30", NOON, id="zone with a colon"),
        pytest.param("2024-01-01T10:30:00-0130", NOON, id="zone without a colon"),
        pytest.param("2024-01-01T13:00:00 +01", NOON, id="blank and zone of hours"),
        pytest.param("2024-01-01 12:00:00,123", NOON + 123_000_000, id="Python's comma"),
        pytest.param("2024-01-01T12:00:00.1234567899Z", NOON + 123_456_789, id="tenth digit is cut off"),
        pytest.param("1704110400", NOON, id="seconds"),
        pytest.param("1704110400.5", NOON + SECOND // 2, id="seconds with a fraction"),
        pytest.param("1704110400000", NOON, id="milliseconds"),
        pytest.param("1704110400000.0000019", NOON + 1, id="fraction of a millisecond is cut off"),
        pytest.param("1704110400000000", NOON, id="microseconds"),
        pytest.param("1704110400000000001", NOON + 1, id="nanoseconds are exact"),
        pytest.param("1704110400000000001.9", NOON + 1, id="fraction of a nanosecond is dropped"),
        pytest.param("99999999999", None, id="seconds beyond 2261"),
        pytest.param("100000000000", 100_000_000 * SECOND, id="1e11 is milliseconds"),
        pytest.param("100000000000000", 100_000_000 * SECOND, id="1e14 is microseconds"),
        pytest.param("100000000000000000", 100_000_000 * SECOND, id="1e17 is nanoseconds"),
        pytest.param("0", 0, id="the epoch"),
        pytest.param("2261-12-31T23:59:59.999999999Z", timestamp.END - 1, id="last instant"),
        pytest.param("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND, id="leap day"),
    ],
)
def test_a_timestamp_reads_to_the_nanosecond(text: str, want: int | None) -> None:
    assert timestamp.parse(text) == want
    assert timestamp.parse_series(pl.Series([text])).to_list() == [want]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "now", "1e9", "-1", "+1", "1.", ".5", "1_000", "0x10", "NaN",
        "12345678901234567890", "9223372036854775808", "9214646400",
        "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00Z",
        "2024-01-01", "2024-01-01T12:00:00.Z", "2024-01-01T12:00:00 ", "2024-01-01T12:00:00Z\n",
        "2024-01-01T12:00:00  Z", "2024-01-01T12:00:00+24:00", "2024-01-01T12:00:00+1",
        "2024-01-01T12:00:00 UTC",
        "1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00", "2262-01-01T00:00:00Z",
        "2261-12-31T23:30:00-01:00", "\u0662\u0660\u0662\u0664-01-01T00:00:00Z", "\u0661\u0667",
    ],
)  # fmt: skip
def test_anything_else_is_no_timestamp(text: str) -> None:
    assert timestamp.parse(text) is None
    assert timestamp.parse_series(pl.Series([text])).to_list() == [None]


@given(st.integers(0, timestamp.END - 1))
def test_what_is_printed_can_be_read(instant: int) -> None:
    text = timestamp.format_ns(instant)
    assert timestamp.parse(text) == instant
    assert text.endswith("Z")
    assert not text.endswith("0Z") or "." not in text


@given(st.datetimes(datetime(1970, 1, 2), datetime(2261, 12, 30)), st.integers(-1439, 1439))  # noqa: DTZ001 - naive
def test_zones_are_the_difference_to_utc(wall: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    text = f"{wall.isoformat()}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    micros = (wall.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    assert timestamp.parse(text) == micros * 1000 - minutes * 60 * SECOND


@given(st.lists(st.from_regex(timestamp.CALENDAR) | st.from_regex(timestamp.UNIX) | st.text("0123456789-:.TZ+ ")))
def test_a_column_reads_like_its_texts(texts: list[str]) -> None:
    column = timestamp.parse_series(pl.Series("when", texts, dtype=pl.String))
    assert column.dtype == pl.Int64
    assert column.to_list() == [timestamp.parse(text) for text in texts]


def test_real_timestamps_never_raise() -> None:
    path = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "parse" / "timestamps.jsonl"
    if not path.exists():
        pytest.skip(f"no reference data at {path}")
    texts = [str(value) for line in path.read_text().splitlines() for value in json.loads(line).values()]
    assert timestamp.parse_series(pl.Series(texts)).to_list() == [timestamp.parse(text) for text in texts]
