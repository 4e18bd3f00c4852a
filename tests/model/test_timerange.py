from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadInput
from logyard.model import timestamp
from logyard.model.timerange import TimeRange, parse_duration, parse_time
from logyard.types import Nanoseconds

NOW = Nanoseconds(timestamp.parse("2024-03-31T10:00:00.5Z") or 0)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "want"),
    [
        pytest.param("90s", UTC, "2024-03-31T09:58:30.5Z", id="seconds ago"),
        pytest.param("1h30m", UTC, "2024-03-31T08:30:00.5Z", id="hours and minutes ago"),
        pytest.param("1.5h", UTC, "2024-03-31T08:30:00.5Z", id="a fraction"),
        pytest.param("-5m", UTC, "2024-03-31T09:55:00.5Z", id="a minus says the same"),
        pytest.param("2d", UTC, "2024-03-29T10:00:00.5Z", id="days are 24 hours"),
        pytest.param("1w", UTC, "2024-03-24T10:00:00.5Z", id="a week"),
        pytest.param("500ms", UTC, "2024-03-31T10:00:00Z", id="milliseconds"),
        pytest.param(" NOW ", UTC, "2024-03-31T10:00:00.5Z", id="now"),
        pytest.param("today", UTC, "2024-03-31T00:00:00Z", id="today"),
        pytest.param("today", BERLIN, "2024-03-30T23:00:00Z", id="today on the day of the clock change"),
        pytest.param("yesterday", BERLIN, "2024-03-29T23:00:00Z", id="yesterday"),
        pytest.param("2024-07-01", BERLIN, "2024-06-30T22:00:00Z", id="a date is midnight"),
        pytest.param("2024-07-01T12:00:00", BERLIN, "2024-07-01T10:00:00Z", id="no zone is the caller's"),
        pytest.param("2024-07-01 12:00", BERLIN, "2024-07-01T10:00:00Z", id="no seconds"),
        pytest.param("2024-07-01T12:00Z", BERLIN, "2024-07-01T12:00:00Z", id="no seconds, Z"),
        pytest.param("2024-07-01T12:00+02:00", UTC, "2024-07-01T10:00:00Z", id="no seconds, zone"),
        pytest.param("2024-07-01T12:00:00.25-01", BERLIN, "2024-07-01T13:00:00.25Z", id="with a zone"),
        pytest.param("@1704110400", UTC, "2024-01-01T12:00:00Z", id="unix seconds"),
        pytest.param("@1704110400000.5", UTC, "2024-01-01T12:00:00.0005Z", id="unix milliseconds"),
        pytest.param("1704110400", UTC, "2024-01-01T12:00:00Z", id="bare unix"),
    ],
)
def test_a_time_as_people_write_it(text: str, zone: tzinfo, want: str) -> None:
    assert timestamp.format_ns(parse_time(text, NOW, zone)) == want


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5x",
        "-",
        "@",
        "@x",
        "tomorrow",
        "2024-02-30",
        "2024-13-01T00:00",
        "99999w",
        "1.2.3",
        "\u00b2",
        "5m ago",
    ],
)
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(BadInput) as problem:
        parse_time(text, NOW)
    assert f"cannot parse time from {text!r}" in str(problem.value)


@given(st.text(alphabet="0123456789smhdw.-@TZ:+ today", max_size=30))
def test_any_text_gives_an_instant_or_bad_input(text: str) -> None:
    try:
        instant = parse_time(text, NOW)
    except BadInput:
        return
    assert 0 <= instant < timestamp.END


def test_a_duration_is_nanoseconds() -> None:
    assert parse_duration("1m0.5s") == 60_500_000_000
    with pytest.raises(BadInput, match="cannot parse duration from '-1s'"):
        parse_duration("-1s")


def test_since_is_in_the_range_and_until_is_not() -> None:
    bounds = TimeRange(Nanoseconds(10), Nanoseconds(20))
    assert [instant for instant in (9, 10, 19, 20) if instant in bounds] == [10, 19]


def test_a_range_without_bounds_holds_everything() -> None:
    assert 0 in TimeRange()
    assert timestamp.END in TimeRange()


def test_ranges_overlap_in_what_both_hold() -> None:
    one, other = TimeRange(Nanoseconds(10)), TimeRange(Nanoseconds(5), Nanoseconds(20))
    assert one.overlap(other) == TimeRange(Nanoseconds(10), Nanoseconds(20))
    assert TimeRange(Nanoseconds(20)).overlap(other).empty
    assert not one.empty
