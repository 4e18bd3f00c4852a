"""Detection: by the lines, revised with them, and no line is lost."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.errors import BadConfig
from logyard.formats.lines.catalog import line_format, line_format_names
from logyard.formats.lines.detect import Detector, DetectorState
from logyard.model.civil.customs import Customs
from logyard.model.schema import FRAME

NOW = 1_764_000_000_000_000_000
ACCESS = '198.51.100.7 - - [06/May/2024:07:08:09 +0200] "GET /x HTTP/1.1" 200 512'
ERROR = "2024/05/06 07:08:09 [crit] 31#7: *412 open() failed"
JSON = '{"time":"2024-05-06T05:08:09Z","level":"warn","msg":"low","n":1}'
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def decode(*lines: str, detector: Detector | None = None) -> list[dict[str, Any]]:
    frame = (detector or Detector()).decode(pl.Series(lines, dtype=pl.String), NOW)
    assert frame.schema == FRAME
    assert frame.height == len(lines)
    return [{**row, **json.loads(row["attributes"])} for row in frame.to_dicts()]


def test_formats_in_one_batch_are_told_apart_and_keep_their_order() -> None:
    rows = decode(JSON, "just text", ACCESS, JSON, ERROR)
    assert [row["message"] for row in rows] == ["low", "just text", ACCESS, "low", "open() failed"]
    assert [row["level"] for row in rows] == ["WARNING", "", "", "WARNING", "CRITICAL"]
    assert rows[2]["status"] == 200


def test_a_source_that_changes_its_format_is_followed() -> None:
    detector = Detector()
    decode(*[ACCESS] * 50, detector=detector)
    assert detector.known == ["common_access"]
    rows = decode(*[JSON] * 50, detector=detector)
    assert {row["message"] for row in rows} == {"low"}
    for _ in range(10):
        decode(JSON, detector=detector)
    assert detector.known == ["json_log"]


def test_a_line_that_fits_nothing_is_a_message_and_counted() -> None:
    detector = Detector()
    rows = decode("", "hello", "\x00\x01", detector=detector)
    assert [row["message"] for row in rows] == ["", "hello", "\x00\x01"]
    assert detector.unknown == 3
    assert all("timestamp=," in row["origin"] for row in rows)


def test_a_format_that_was_asked_for_says_what_does_not_fit() -> None:
    rows = decode(ERROR, JSON, detector=Detector("nginx_error"))
    assert rows[0]["message"] == "open() failed"
    assert rows[1]["message"] == JSON
    assert rows[1]["processing_error"] == "is not in the format nginx_error"


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadConfig, match="no format"):
        Detector("nope")


def test_a_detector_goes_on_where_another_stopped() -> None:
    first = Detector()
    header = "#Fields: date time c-ip cs-method cs-uri-stem sc-status"
    decode(header, "2024-05-06 07:08:09 198.51.100.7 GET /x 200", detector=first)
    second = Detector(state=DetectorState(headers=first.state().headers))
    row = decode("2024-05-06 07:08:10 198.51.100.8 GET /y 404", detector=second)[0]
    assert (row["client_ip"], row["path"], row["status"]) == ("198.51.100.8", "/y", 404)


@pytest.mark.parametrize(
    ("line", "message", "attributes"),
    [
        pytest.param(
            '{"log":"' + ERROR + '\\n","stream":"stderr","time":"2024-05-06T05:08:09.5Z"}',
            "open() failed",
            {"stream": "stderr", "pid": 31},
            id="a line in Docker's JSON",
        ),
        pytest.param(
            "2024-05-06T05:08:09.5Z stdout F " + JSON, "low", {"stream": "stdout", "n": 1}, id="JSON in a CRI line"
        ),
        pytest.param(
            "<38>May  6 05:08:09 gate sshd[9]: Failed password for ann from 198.51.100.7 port 22 ssh2",
            "Failed password for ann from 198.51.100.7 port 22 ssh2",
            {"pid": 9, "user": "ann"},
            id="sshd in syslog",
        ),
        pytest.param(
            '2024-05-06T05:08:09.5Z stdout F {"stream":"mine","msg":"x"}',
            "x",
            {"stream": "mine", "logtag": "F"},
            id="of two attributes with one name the inner one stays",
        ),
    ],
)
def test_a_line_inside_of_a_line_is_opened(line: str, message: str, attributes: dict[str, Any]) -> None:
    row = decode(line)[0]
    assert row["message"] == message
    assert {name: row[name] for name in attributes} == attributes
    assert "timestamp=," not in row["origin"]


def test_the_carrier_keeps_its_time_and_the_application_its_level() -> None:
    row = decode('2024-05-06T05:00:00Z stdout F {"time":"2024-05-06T04:59:59Z","level":"error","msg":"x"}')[0]
    assert row["timestamp"].isoformat() == "2024-05-06T05:00:00+00:00"
    assert row["level"] == "ERROR"


def test_times_without_a_zone_are_in_the_sources_own() -> None:
    row = decode("2024-05-06 07:08:09,123 - shop - INFO - x", detector=Detector(customs=Customs(zone="Europe/Berlin")))[
        0
    ]
    assert row["timestamp"].isoformat() == "2024-05-06T05:08:09.123000+00:00"


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.text(max_size=80) | st.sampled_from([JSON, ACCESS, ERROR, '{"a":', "<34>x", "k=v a=b"]), max_size=20)
)
def test_no_line_is_lost_whatever_it_is(lines: list[str]) -> None:
    frame = Detector().decode(pl.Series(lines, dtype=pl.String), NOW)
    assert frame.height == len(lines)
    assert frame.schema == FRAME
    for text in frame["attributes"]:
        json.loads(text)


@pytest.mark.parametrize("name", line_format_names())
def test_a_format_takes_what_fits_and_raises_for_nothing(name: str) -> None:
    lines = pl.Series(["", "x", JSON, ACCESS, ERROR, "{}", "[]", "#", "\ud7ff\x00", "<0>1 - - - - - -", "=", "a=1 b=2"])
    decoded = line_format(name).decode(lines, Customs(now=NOW))
    assert decoded.fits.len() == lines.len()
    assert decoded.frame.height == decoded.fits.sum()
    assert decoded.frame.schema == FRAME


def test_naughty_strings_and_broken_json_are_kept() -> None:
    folder = SHARED / "malformed"
    if not folder.exists():
        pytest.skip(f"no reference data at {folder}")
    lines = json.loads((folder / "blns.json").read_text())
    lines += [str(json.loads(line)) for line in (folder / "jsontestsuite.jsonl").read_text().splitlines()]
    lines += (folder / "UTF-8-test-kuhn.txt").read_bytes().decode("utf-8", "replace").split("\n")
    rows = decode(*lines)
    assert sum(row["message"] == line for row, line in zip(rows, lines, strict=True)) > 0.9 * len(lines)


def test_raw_logs_are_understood_line_by_line() -> None:
    folder = SHARED / "raw"
    if not folder.exists():
        pytest.skip(f"no reference data at {folder}")
    for path in sorted(folder.rglob("*"))[::25]:
        if path.is_file():
            lines = path.read_bytes().decode("utf-8", "replace").split("\n")[:500]
            assert Detector().decode(pl.Series(lines), NOW).height == len(lines)
