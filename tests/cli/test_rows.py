"""Rows as text, JSON, NDJSON, CSV and logfmt."""

import csv
import io
import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logyard.cli.options import Output
from logyard.cli.rows import Style, printer
from logyard.cli.terminal import without_controls

ROW: dict[str, Any] = {
    "id": "1704110400000-1-0",
    "timestamp": "2026-01-31T14:03:11.123456789Z",
    "level": "WARNING",
    "service": "shop",
    "message": "card declined",
    "order": 17,
    "customer.name": "Ada L.",
    "items": ["a", "b"],
}
STATISTICS = {"service": "shop", "rows": 12}


def shown(*rows: dict[str, Any], **style: Any) -> str:
    out = printer(Style(**{"zone": UTC, **style}))
    return out.begin() + out.rows(rows) + out.end()


@pytest.mark.parametrize(
    ("row", "line"),
    [
        pytest.param(
            ROW,
            "2026-01-31 14:03:11.123 WARNING  shop  card declined"
            '  order=17 customer.name="Ada L." items="[\\"a\\",\\"b\\"]"',
            id="a log",
        ),
        pytest.param(
            {"timestamp": "2026-01-31T14:03:11Z", "message": "x"},
            "2026-01-31 14:03:11.000          x",
            id="no level",
        ),
        pytest.param(STATISTICS, "shop  rows=12", id="statistics"),
        pytest.param({"rows": 12}, "rows=12", id="one number"),
        pytest.param({"message": "a\nb\n"}, "         a\n    b", id="a second line is indented"),
        pytest.param({"timestamp": "soon", "message": "x"}, "soon          x", id="a time that is none"),
        pytest.param({"timestamp": 12, "a": None}, 'timestamp=12 a=""', id="a number for a time, nothing for null"),
        pytest.param({}, "", id="an empty row"),
    ],
)
def test_text(row: dict[str, Any], line: str) -> None:
    assert shown(row) == line + "\n"


def test_text_in_colour_paints_time_level_service_and_keys() -> None:
    line = shown(ROW, colored=True)
    assert "\x1b[33mWARNING\x1b[0m" in line
    assert "\x1b[1mshop\x1b[0m" in line
    assert "\x1b[2morder=\x1b[0m17" in line


def test_whole_times_have_every_digit_and_the_zone() -> None:
    assert shown(ROW, whole_times=True).startswith("2026-01-31T14:03:11.123456789Z WARNING")


def test_json_is_one_array() -> None:
    assert json.loads(shown(ROW, STATISTICS, output=Output.JSON)) == [ROW, STATISTICS]
    assert json.loads(shown(output=Output.JSON)) == []


def test_ndjson_is_an_object_a_line() -> None:
    lines = shown(ROW, STATISTICS, output=Output.NDJSON).splitlines()
    assert list(map(json.loads, lines)) == [ROW, STATISTICS]


def test_csv_has_a_header_and_the_cells_in_its_order() -> None:
    text = shown(ROW, {"message": 'a "b",\nc'}, output=Output.CSV, fields=("message", "order", "items"))
    assert list(csv.reader(io.StringIO(text))) == [
        ["message", "order", "items"],
        ["card declined", "17", '["a","b"]'],
        ['a "b",\nc', "", ""],
    ]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        pytest.param({"a": "b", "n": 1}, "a=b n=1", id="plain"),
        pytest.param({"a": "b c"}, 'a="b c"', id="a blank"),
        pytest.param({"a": ""}, 'a=""', id="nothing"),
        pytest.param({"a": 'x"y=z'}, 'a="x\\"y=z"', id="quotes and equals"),
        pytest.param({"a": "1\n2"}, 'a="1\\n2"', id="a line feed stays in its line"),
        pytest.param({"a b=c": 1}, "a_b_c=1", id="a key that cannot be one"),
    ],
)
def test_logfmt(row: dict[str, Any], line: str) -> None:
    assert shown(row, output=Output.LOGFMT) == line + "\n"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        pytest.param(Output.TEXT, "card declined order=17\n", id="text"),
        pytest.param(Output.NDJSON, '{"message":"card declined","order":17}\n', id="ndjson"),
        pytest.param(Output.LOGFMT, 'message="card declined" order=17\n', id="logfmt"),
        pytest.param(Output.CSV, "message,order,none\r\ncard declined,17,\r\n", id="csv"),
    ],
)
def test_fields_choose_and_order(output: Output, text: str) -> None:
    assert shown(ROW, output=output, fields=("message", "order", "none")).replace("  ", " ") == text


HOSTILE = "a\x1b]0;owned\x07\x1b[31mred\x9b2J\r\b\u202eevil\u2066\x7f\x00b"


@pytest.mark.parametrize("output", list(Output))
def test_a_log_line_cannot_drive_a_terminal(output: Output) -> None:
    text = shown({"message": HOSTILE, HOSTILE: HOSTILE}, output=output, guarded=True, fields=("message", HOSTILE))
    assert text == without_controls(text)
    assert "evil" in text


def test_what_is_written_out_is_still_json() -> None:
    assert json.loads(shown({"a": HOSTILE}, output=Output.NDJSON, guarded=True)) == {"a": HOSTILE}


def test_a_pipe_gets_the_text_as_it_is() -> None:
    assert HOSTILE in shown({"message": HOSTILE})


@given(st.text())
def test_no_control_character_survives_the_guard(text: str) -> None:
    kept = without_controls(text)
    assert not any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 for sign in kept if sign not in "\t\n")


@example({"a": "\\x1b \x9b"})
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()))
def test_guarded_ndjson_means_the_same(row: dict[str, Any]) -> None:
    assert json.loads(shown(row, output=Output.NDJSON, guarded=True)) == row
