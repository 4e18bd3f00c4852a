"""What each filter matches. Rows are the values of one field."""

from collections.abc import Sequence

import pytest

from logyard.language.entry import parse_filter
from logyard.language.view import View

NOW = 1_741_950_000_000_000_000  # 2025-03-14T11:00:00Z, a Friday

TEXTS = ("", "error", "Error: disk", "errors", "an error, an end", "x_error")


@pytest.mark.parametrize(
    ("query", "values", "matched"),
    [
        pytest.param("f:error", TEXTS, [1, 4], id="word"),
        pytest.param('f:"error, an"', TEXTS, [4], id="phrase"),
        pytest.param('f:", an e"', TEXTS, [], id="a phrase ends with its word"),
        pytest.param("f:err*", TEXTS, [1, 3, 4], id="prefix"),
        pytest.param("f:i(ERROR)", TEXTS, [1, 2, 4], id="any case"),
        pytest.param("f:i(ERR*)", TEXTS, [1, 2, 3, 4], id="prefix in any case"),
        pytest.param('f:i("")', TEXTS, [0], id="empty in any case"),
        pytest.param('f:""', TEXTS, [0], id="empty"),
        pytest.param("f:*", TEXTS, [1, 2, 3, 4, 5], id="any value"),
        pytest.param("f:=error", TEXTS, [1], id="exact"),
        pytest.param("f:!=error", TEXTS, [0, 2, 3, 4, 5], id="not exact"),
        pytest.param("f:=err*", TEXTS, [1, 3], id="exact prefix"),
        pytest.param("f:=*", TEXTS, [0, 1, 2, 3, 4, 5], id="empty prefix"),
        pytest.param("f:~'^e.*r$'", TEXTS, [1], id="regular expression"),
        pytest.param("f:!~r", TEXTS, [0], id="not a regular expression"),
        pytest.param("f:in(error, errors, '')", TEXTS, [0, 1, 3], id="in"),
        pytest.param("f:in()", TEXTS, [], id="in nothing"),
        pytest.param("f:contains_any(disk, end)", TEXTS, [2, 4], id="contains any"),
        pytest.param("f:contains_all(error, end)", TEXTS, [4], id="contains all"),
        pytest.param("f:contains_all()", TEXTS, [0, 1, 2, 3, 4, 5], id="contains all of nothing"),
        pytest.param("f:seq(an, an)", TEXTS, [4], id="sequence"),
        pytest.param("f:seq(end, an)", TEXTS, [], id="sequence in the wrong order"),
        pytest.param("f:len_range(1, 6)", TEXTS, [1, 3], id="length"),
        pytest.param("f:len_range(4, 4)", ("\u0416\u0443\u043a\u0438", "abc"), [0], id="length in characters"),
        pytest.param("f:string_range(E, f)", TEXTS, [1, 2, 3, 4], id="range of texts"),
        pytest.param("f:>=errors", TEXTS, [3, 5], id="comparison of texts"),
        pytest.param("g:eq_field(f)", TEXTS, [0], id="two fields"),
        pytest.param("f:>10", ("9", "10", "11", "1e3", "x", "", "20ms", "-11"), [2, 3, 6], id="larger"),
        pytest.param("f:<=1.5", ("1.5", "1.6", "-3", "", "abc"), [0, 2], id="not larger"),
        pytest.param("f:>1h", ("90m", "30m", "2h1s", "5"), [0, 2], id="duration"),
        pytest.param("f:>=1KiB", ("1024", "1KB", "1.5KiB", "1M"), [0, 2, 3], id="size"),
        pytest.param("f:range[1, 2)", ("0.9", "1", "1.99", "2", "one"), [1, 2], id="range"),
        pytest.param("f:range(-inf, 0]", ("-1e300", "0", "0.1", ""), [0, 1], id="open range"),
        pytest.param("f:>10.0.0.1", ("10.0.0.2", "9.255.0.1"), [0], id="addresses are numbers"),
        pytest.param("f:ipv4_range(10.0.0.0/8)", ("10.1.2.3", "11.0.0.1", "a 10.1.2.3", ""), [0], id="network"),
        pytest.param("f:value_type(uint8)", tuple(map(str, range(9))), list(range(9)), id="type of a column"),
        pytest.param("f:value_type(dict)", ("a", "b", ""), [0, 1, 2], id="dictionary"),
        pytest.param("*", ("", "a"), [0, 1], id="everything"),
        pytest.param("f:(a or b) -f:c", ("a", "b c", "b"), [0, 2], id="boolean"),
    ],
)
def test_matches(query: str, values: Sequence[str], matched: list[int]) -> None:
    view = View.of_rows([{"f": value} for value in values])
    assert parse_filter(query, now=NOW).match(view).arg_true().to_list() == matched


@pytest.mark.parametrize(
    ("query", "matched"),
    [("a:le_field(b)", [0, 1, 3]), ("a:lt_field(b)", [0, 3]), ("b:lt_field(a)", [2])],
)
def test_fields_are_compared_as_numbers_where_both_are(query: str, matched: list[int]) -> None:
    rows = [{"a": "9", "b": "10"}, {"a": "x", "b": "x"}, {"a": "x"}, {"a": "1KiB", "b": "2000"}]
    assert parse_filter(query, now=NOW).match(View.of_rows(rows)).arg_true().to_list() == matched


TIMES = (
    "2025-03-14T10:59:59.5Z",
    "2025-03-14T08:00:00Z",
    "2025-03-09T23:00:00Z",
    "2024-12-31T23:59:59.999999999Z",
    "",
)


@pytest.mark.parametrize(
    ("query", "matched"),
    [
        pytest.param("_time:5m", [0], id="the last minutes"),
        pytest.param("_time:>1d", [2, 3], id="older than a day"),
        pytest.param("_time:2024", [3], id="year"),
        pytest.param("_time:2025-03-14", [0, 1], id="day"),
        pytest.param("_time:2025-03-14T08", [1], id="hour"),
        pytest.param("_time:[2025-03-09, 2025-03-14T08:00)", [2], id="interval"),
        pytest.param("_time:(2025-03-14T08:00, now]", [0], id="interval without its start"),
        pytest.param("_time:>=2025", [0, 1, 2], id="since"),
        pytest.param("_time:2025-03-14 offset 4d", [], id="days before"),
        pytest.param("_time:5m offset 3h", [1], id="minutes before"),
        pytest.param("_time:day_range[08:00, 11:00)", [0, 1], id="hours"),
        pytest.param("_time:day_range[00:00, 09:00) offset 2h", [0, 1], id="hours elsewhere"),
        pytest.param("_time:week_range[Fri, Sat]", [0, 1], id="weekdays"),
        pytest.param("_time:week_range[Sun, Mon)", [2], id="sunday"),
    ],
)
def test_times(query: str, matched: list[int]) -> None:
    view = View.of_rows([{"_time": time} if time else {} for time in TIMES])
    assert parse_filter(query, now=NOW).match(view).arg_true().to_list() == matched


STREAMS = ('{app="web",host="n1"}', '{app="api"}', '{app="we\\"b,x=y"}', "{}", "")


@pytest.mark.parametrize(
    ("query", "matched"),
    [
        pytest.param('{app="web"}', [0], id="equal"),
        pytest.param("{app!=web}", [1, 2, 3, 4], id="other, or none"),
        pytest.param('{app=~"w.+"}', [0, 2], id="similar"),
        pytest.param('{app=~"we"}', [], id="the whole value is similar"),
        pytest.param('{app="web",host!=n1 or app=api}', [1], id="or of ands"),
        pytest.param("{app in (web, api)}", [0, 1], id="one of"),
        pytest.param("_stream:{host=''}", [1, 2, 3, 4], id="without the label"),
        pytest.param("{app='we\"b,x=y'}", [2], id="quotes in a label"),
    ],
)
def test_streams(query: str, matched: list[int]) -> None:
    view = View.of_rows([{"_stream": stream} for stream in STREAMS])
    assert parse_filter(query, now=NOW).match(view).arg_true().to_list() == matched


def test_stream_ids() -> None:
    one, two = "0" * 47 + "1", "a" * 48
    view = View.of_rows([{"_stream_id": one}, {"_stream_id": two}, {}])
    assert parse_filter(f"_stream_id:{one}", now=NOW).match(view).to_list() == [True, False, False]
    assert parse_filter(f"_stream_id:in({one}, {two.upper()})", now=NOW).match(view).to_list() == [
        True,
        True,
        False,
    ]


def test_no_records_no_answers() -> None:
    view = View.of_rows([])
    for query in ("a", "{x=y}", "f:>1", "_time:5m", "f:in(a)", "ipv4_range(1.2.3.4)", "f:value_type(const)"):
        assert parse_filter(query, now=NOW).match(view).to_list() == []
