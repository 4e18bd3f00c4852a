"""Civil times: every spelling, and what completes them."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.errors import BadConfig
from logyard.model import timestamp
from logyard.model.civil.customs import Customs
from logyard.model.civil.read import instant, read
from logyard.model.civil.zones import LOCAL, offset_of

NOW = timestamp.parse("2024-03-01T12:00:00Z") or 0


def at(text: str, customs: Customs | None = None) -> str | None:
    found = instant(text, customs or Customs(now=NOW))
    return None if found is None else timestamp.format_ns(found)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2024-01-31T12:34:56.789+01:00", "2024-01-31T11:34:56.789Z"),
        ("2024-1-31 2:34", "2024-01-31T02:34:00Z"),
        ("2024/01/31 12:34:56,789012345", "2024-01-31T12:34:56.789012345Z"),
        ("2024.01.31", "2024-01-31T00:00:00Z"),
        ("2024-Jan-31 12:34:56", "2024-01-31T12:34:56Z"),
        ("20240131T123456Z", "2024-01-31T12:34:56Z"),
        ("20240131-12:34:56:789", "2024-01-31T12:34:56.789Z"),
        ("20240131123456", "2024-01-31T12:34:56Z"),
        ("20240131", "2024-01-31T00:00:00Z"),
        ("31/Jan/2024:12:34:56 -0700", "2024-01-31T19:34:56Z"),
        ("31-Jan-24 12:34:56 CEST", "2024-01-31T10:34:56Z"),
        ("31st January 2024", "2024-01-31T00:00:00Z"),
        ("Wed, 31 Jan 2024 12:34:56 GMT", "2024-01-31T12:34:56Z"),
        ("Wednesday, 31-Jan-24 12:34:56 +0530", "2024-01-31T07:04:56Z"),
        ("Wed Jan 31 12:34:56.5 2024", "2024-01-31T12:34:56.5Z"),
        ("Wed Jan 31 12:34:56 CET 2024", "2024-01-31T11:34:56Z"),
        ("Wed Jan 31 2024 12:34:56 GMT+0100 (Central European Time)", "2024-01-31T11:34:56Z"),
        ("January 31st, 2024 at 5:07pm UTC", "2024-01-31T17:07:00Z"),
        ("Jan. 31, '24 12:00:01 AM", "2024-01-31T00:00:01Z"),
        ("1/31/2024 12:34:56 PM", "2024-01-31T12:34:56Z"),
        ("31/1/2024", "2024-01-31T00:00:00Z"),
        ("3.2.2024 12:34", "2024-02-03T12:34:00Z"),
        ("2024年01月31日 12:34:56", "2024-01-31T12:34:56Z"),
        ("2024年1月31日12時34分56秒", "2024-01-31T12:34:56Z"),
        ("240131 12:34:56", "2024-01-31T12:34:56Z"),
        ("2024-W05-3T12:00:00Z", "2024-01-31T12:00:00Z"),
        ("2024-031", "2024-01-31T00:00:00Z"),
        ("2024-01", "2024-01-01T00:00:00Z"),
        ("2024", "2024-01-01T00:00:00Z"),
        ("/Date(1706704496789+0100)/", "2024-01-31T12:34:56.789Z"),
        ("@1706704496.5", "2024-01-31T12:34:56.5Z"),
        ("1706704496", "2024-01-31T12:34:56Z"),
        ("1706704496789123456", "2024-01-31T12:34:56.789123456Z"),
        ("2024-01-31 12:34:56 +0300 MSK m=+0.000000001", "2024-01-31T09:34:56Z"),
        ("2024-01-31T12:34:56+01:00[Europe/Paris]", "2024-01-31T11:34:56Z"),
        ("2016-12-31 23:59:60Z", "2017-01-01T00:00:00Z"),
        ("Jan 31 12:34:56", "2024-01-31T12:34:56Z"),
        ("Mar  2 11:00:00", "2024-03-02T11:00:00Z"),
        ("Mar  3 12:34:56", "2023-03-03T12:34:56Z"),
        ("31 Dec 12:34:56.5", "2023-12-31T12:34:56.5Z"),
        ("12-31 12:34:56.789", "2023-12-31T12:34:56.789Z"),
        ("Feb 29 00:00:00", "2024-02-29T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_time_is_read_whatever_its_spelling(text: str, want: str) -> None:
    assert at(text) == want


@pytest.mark.parametrize(
    "text",
    ["", " ", "now", "12", "1234", "31/31/2024", "2024-02-30", "2023-02-29 12:00:00", "2024-13-01", "septe. 7, 1970",
     "2024-01-31 25:00", "2024-01-31 12:60", "2024-W54-1", "2024-367", "Foo  3 12:08:33", "12:34:56", "1969-12-31",
     "2262-01-01", "May 5", "5pm", "2024-01-31 12:34:56 QQQQQ", "10.0.0.1", "1.2.3", "2024-01-31T",
     "\u0662\u0660\u0662\u0664-01-31"],
)  # fmt: skip
def test_anything_else_is_no_time(text: str) -> None:
    assert at(text) is None


@pytest.mark.parametrize(
    ("text", "customs", "want"),
    [
        pytest.param(
            "2024-07-01 12:00:00", Customs(zone="Europe/Berlin"), "2024-07-01T10:00:00Z", id="a region, in summer"
        ),
        pytest.param("2024-01-01 12:00:00", Customs(zone="Europe/Berlin"), "2024-01-01T11:00:00Z", id="and in winter"),
        pytest.param(
            "2024-10-27 02:30:00", Customs(zone="Europe/Berlin"), "2024-10-27T00:30:00Z", id="the first of two"
        ),
        pytest.param(
            "2024-03-31 02:30:00", Customs(zone="Europe/Berlin"), "2024-03-31T01:30:00Z", id="an hour that was skipped"
        ),
        pytest.param("2024-01-01 12:00:00", Customs(zone="-02:00"), "2024-01-01T14:00:00Z", id="an offset"),
        pytest.param(
            "2024-01-01 12:00:00Z", Customs(zone="-02:00"), "2024-01-01T12:00:00Z", id="a zone in the text is stronger"
        ),
        pytest.param(
            "2012-08-03 13:31:59 MST", Customs(zone="America/Denver"), "2012-08-03T20:31:59Z", id="the region's name"
        ),
        pytest.param("2024-01-01 12:00:00 MST", Customs(), "2024-01-01T19:00:00Z", id="a shared name, by most writers"),
        pytest.param("4/2/2024", Customs(), "2024-04-02T00:00:00Z", id="month first"),
        pytest.param("4/2/2024", Customs(date_order="DMY"), "2024-02-04T00:00:00Z", id="day first by setting"),
        pytest.param(
            "24/02/04 12:00:00", Customs(date_order="YMD"), "2024-02-04T12:00:00Z", id="year first by setting"
        ),
        pytest.param("Mar  3 12:00:00", Customs(year=2019), "2019-03-03T12:00:00Z", id="the year by setting"),
    ],
)
def test_settings_complete_a_time(text: str, customs: Customs, want: str) -> None:
    assert at(text, customs) == want


@pytest.mark.parametrize(
    ("behind", "zone", "want"),
    [
        ("", "", LOCAL),
        (" Z", "", 0),
        ("+0130", "", 5400),
        (" -07", "", -25200),
        (" CEST", "", 7200),
        (" PST-08", "", -28800),
        (" -0600 MST", "", -21600),
        (" foo", "", None),
        (" EST", "UTC", LOCAL),
    ],
)
def test_what_is_behind_a_time_is_an_offset_or_nothing(behind: str, zone: str, want: int | None) -> None:
    assert offset_of(behind, zone) == want


def test_a_zone_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadConfig, match="Mars"):
        instant("2024-01-01 12:00:00", Customs(zone="Mars/Olympus"))


@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2261, 12, 30)),  # noqa: DTZ001 - naive
    st.sampled_from(
        [
            "%Y-%m-%d %H:%M:%S.%f",
            "%d/%b/%Y:%H:%M:%S +0000",
            "%a, %d %b %Y %H:%M:%S GMT",
            "%a %b %d %H:%M:%S %Y",
            "%B %d, %Y %I:%M:%S %p",
            "%Y%m%dT%H%M%SZ",
            "%Y年%m月%d日 %H:%M:%S",
            "%G-W%V-%uT%H:%M:%S",
            "%Y-%j %H:%M:%S",
        ]
    ),
)
def test_what_strftime_writes_can_be_read(when: datetime, layout: str) -> None:
    text = when.strftime(layout)
    whole = when.replace(tzinfo=UTC, microsecond=when.microsecond if "%f" in layout else 0)
    want = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert instant(text) == want


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("0123456789-:./ TZJanFebPMam+,年月日", max_size=30)))
def test_a_column_is_read_like_its_texts(texts: list[str]) -> None:
    found = read(pl.Series(texts, dtype=pl.String), Customs(now=NOW))
    assert found.to_list() == [instant(text, Customs(now=NOW)) for text in texts]


def test_nulls_stay_null() -> None:
    assert read(pl.Series(["2024", None])).to_list() == [timestamp.parse("2024-01-01T00:00:00Z"), None]
