"""Times of the command line."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from logyard.cli.times import LOCAL, instant, moment, zone
from logyard.testing.clock import ManualClock

STORED = "2026-07-01T12:00:00.5Z"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("UTC", "2026-07-01 12:00:00.500", id="UTC"),
        pytest.param("utc", "2026-07-01 12:00:00.500", id="in any case"),
        pytest.param("Europe/Oslo", "2026-07-01 14:00:00.500", id="a name, in summer"),
        pytest.param("+02:00", "2026-07-01 14:00:00.500", id="an offset"),
        pytest.param("-0930", "2026-07-01 02:30:00.500", id="an offset to the west, without a colon"),
        pytest.param("+05", "2026-07-01 17:00:00.500", id="hours only"),
    ],
)
def test_zones(name: str, shown: str) -> None:
    assert moment(STORED, zone(name), whole=False) == shown


@pytest.mark.parametrize("name", ["Atlantis", "+99:00", "../etc/passwd", "/etc/passwd", "\0"])
def test_there_is_no_such_zone(name: str) -> None:
    with pytest.raises(typer.BadParameter, match="there is no time zone"):
        zone(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("UTC", "2026-07-01T12:00:00.5Z", id="UTC"),
        pytest.param("+02:00", "2026-07-01T14:00:00.5+02:00", id="an offset"),
    ],
)
def test_whole_times_are_rfc_3339(name: str, shown: str) -> None:
    assert moment(STORED, zone(name), whole=True) == shown


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_comes_back(text: str) -> None:
    assert moment(text, UTC, whole=False) == text


@pytest.mark.parametrize("month", [1, 7])
def test_the_local_zone_is_the_machines_on_every_date(month: int) -> None:
    there = datetime(2026, month, 1, 12, tzinfo=UTC)
    assert there.astimezone(LOCAL).replace(tzinfo=None) == there.astimezone().replace(tzinfo=None)
    assert there.astimezone(LOCAL) - there == timedelta(0)


@pytest.mark.parametrize(
    ("text", "where", "seconds"),
    [
        pytest.param("90s", "UTC", 1_000_000 - 90, id="a duration ago"),
        pytest.param("now", "UTC", 1_000_000, id="now"),
        pytest.param("1970-01-02", "UTC", 86_400, id="a date is midnight"),
        pytest.param("1970-01-02", "+01:00", 86_400 - 3600, id="in the zone"),
        pytest.param("1970-01-02T00:00:00Z", "+01:00", 86_400, id="unless it names its own"),
        pytest.param("@1000", "+01:00", 1000, id="Unix time"),
    ],
)
def test_instants(text: str, where: str, seconds: int) -> None:
    clock = ManualClock(1_000_000 * 10**9)
    assert instant(text, zone(where), clock, option="--since") == f"@{seconds * 10**9}"


def test_no_text_is_no_bound() -> None:
    assert instant("", UTC, ManualClock(), option="--since") == ""


def test_a_mistake_names_its_option() -> None:
    with pytest.raises(typer.BadParameter) as error:
        instant("soon", UTC, ManualClock(), option="--until")
    assert error.value.param_hint == "--until"
