"""Numbers, times, words and patterns: what texts mean."""

import polars as pl
import pytest

from logyard.errors import BadQuery
from logyard.language.numbers import (
    format_ipv4,
    numbers,
    parse_duration,
    parse_integer,
    parse_ipv4,
    parse_number,
)
from logyard.language.patterns import check_pattern, contains, rust_pattern
from logyard.language.quoting import quote, quote_if_needed
from logyard.language.times import (
    EARLIEST,
    LATEST,
    bounded,
    is_absolute,
    parse_clock,
    parse_time,
    parse_weekday,
)
from logyard.language.words import any_phrase_pattern, phrase_pattern, prefix_pattern, sequence_pattern
from logyard.model import timestamp

NOW = 1_741_950_000_000_000_000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10", 10.0), ("-1.5", -1.5), ("1e3", 1000.0), ("1_000", 1000.0), ("0x1F", 31.0), ("-0b11", -3.0),
        ("inf", float("inf")), (".5", 0.5), ("5.", 5.0),
        ("1h30m", 5.4e12), ("-1.5s", -1.5e9), ("1\N{MICRO SIGN}s", 1000.0), ("1d", 8.64e13),
        ("10K", 10_000.0), ("10KB", 10_000.0), ("1.5KiB", 1536.0), ("1Ti", 2.0**40), ("7B", 7.0),
        ("1.2.3.4", 16909060.0), ("1970-01-01T00:00:01Z", 1e9),
        ("", None), ("abc", None), ("1.2.3", None), ("1.2.3.400", None), ("5 m", None), ("1h5", None),
        ("0x", None), ("1" * 65, None), ("\u0661", None), ("--5", None),
    ],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert parse_number(text) == number
    assert numbers(pl.Series([text])).to_list() == [number]


def test_numbers_of_a_column() -> None:
    texts = pl.Series(["7", "x", "", "1KiB", "7", "3.25", "1e2", "-4"])
    assert numbers(texts).to_list() == [7.0, None, None, 1024.0, 7.0, 3.25, 100.0, -4.0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("1_0", 10),
        ("0x10", 16),
        ("1Ki", 1024),
        ("inf", 2**64 - 1),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert parse_integer(text) == number


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("5m", 300 * 10**9),
        ("-1.5h", -5400 * 10**9),
        ("2.5h5m", 9300 * 10**9),
        ("1y", 365 * 86400 * 10**9),
        ("5", None),
    ],
)
def test_durations(text: str, nanoseconds: int | None) -> None:
    assert parse_duration(text) == nanoseconds


def test_the_longest_duration_fits_64_bits() -> None:
    assert parse_duration("99999999y") == LATEST
    assert bounded(-(1 << 70)) == EARLIEST


@pytest.mark.parametrize("text", ["0.0.0.0", "10.1.2.3", "255.255.255.255"])
def test_addresses(text: str) -> None:
    address = parse_ipv4(text)
    assert address is not None
    assert format_ipv4(address) == text


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        pytest.param("2024", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999999999Z", id="year"),
        pytest.param("2024-02Z", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999999999Z", id="month"),
        pytest.param("2023-12", "2023-12-01T00:00:00Z", "2023-12-31T23:59:59.999999999Z", id="december"),
        pytest.param("2024-05-31+02:00", "2024-05-30T22:00:00Z", "2024-05-31T21:59:59.999999999Z", id="day"),
        pytest.param("2024-05-31T10", "2024-05-31T10:00:00Z", "2024-05-31T10:59:59.999999999Z", id="hour"),
        pytest.param("2024-05-31T10:20", "2024-05-31T10:20:00Z", "2024-05-31T10:20:59.999999999Z", id="minute"),
        pytest.param("2024-05-31T10:20:30", "2024-05-31T10:20:30Z", "2024-05-31T10:20:30.999999999Z", id="second"),
        pytest.param("2024-05-31T10:20:30.5Z", "2024-05-31T10:20:30.5Z", "2024-05-31T10:20:30.5Z", id="fraction"),
        pytest.param("2024-05-31T10:20:30.125Z", "2024-05-31T10:20:30.125Z", "2024-05-31T10:20:30.125999999Z", id="ms"),
        pytest.param("1700000000", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z", id="seconds"),
        pytest.param("1700000000.5", "2023-11-14T22:13:20.5Z", "2023-11-14T22:13:20.5Z", id="seconds and a half"),
        pytest.param("1700000000123", "2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.123Z", id="milliseconds"),
        pytest.param(
            "1700000000123456789", "2023-11-14T22:13:20.123456789Z", "2023-11-14T22:13:20.123456789Z", id="ns"
        ),
        pytest.param("now", "2025-03-14T11:00:00Z", "2025-03-14T11:00:00Z", id="now"),
        pytest.param("now-1h", "2025-03-14T10:00:00Z", "2025-03-14T10:00:00Z", id="an hour ago"),
        pytest.param("-1h", "2025-03-14T10:00:00Z", "2025-03-14T10:00:00Z", id="minus an hour"),
        pytest.param("1h", "2025-03-14T10:00:00Z", "2025-03-14T10:00:00Z", id="an hour"),
        pytest.param("now+1h", "2025-03-14T12:00:00Z", "2025-03-14T12:00:00Z", id="in an hour"),
    ],
)
def test_times(text: str, first: str, last: str) -> None:
    assert parse_time(text, NOW) == (timestamp.parse(first), timestamp.parse(last))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "then",
        "2024-13",
        "2024-02-30",
        "2024-05-31T25",
        "2024-05-31T10:60",
        "0000",
        "2024+99:00",
        "+1h",
        "9" * 19,
    ],
)
def test_no_times(text: str) -> None:
    assert parse_time(text, NOW) is None


def test_clocks_and_weekdays() -> None:
    assert [parse_clock(text) for text in ("00:00", "08:30", "24:60", "8")] == [0, 30_600 * 10**9, None, None]
    assert [parse_weekday(text) for text in ("Sun", "monday", "SAT", "Su")] == [0, 1, 6, None]
    assert [is_absolute(text) for text in ("2024", "2024-05", "NOW", "5m", "20245", "2024m")] == [True] * 3 + [
        False
    ] * 3


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        pytest.param(phrase_pattern("foo"), "a foo.", True, id="word"),
        pytest.param(phrase_pattern("foo"), "foobar foo_ xfoo", False, id="part of a word"),
        pytest.param(phrase_pattern("foo"), "\u0416foo", False, id="part of a word of any script"),
        pytest.param(phrase_pattern("(foo"), "x(foo)", True, id="a sign needs no edge"),
        pytest.param(phrase_pattern("a.b"), "a-b", False, id="signs stand for themselves"),
        pytest.param(prefix_pattern("foo"), "a foobar", True, id="prefix"),
        pytest.param(prefix_pattern("foo"), "a xfoo", False, id="no prefix"),
        pytest.param(sequence_pattern(["a", "b"]), "a\nx\nb", True, id="over lines"),
        pytest.param(sequence_pattern(["a", "b"]), "ab", False, id="not in one word"),
        pytest.param(sequence_pattern(["a", "a"]), "a", False, id="once is not twice"),
        pytest.param(any_phrase_pattern(["foo", "b"]), "a b", True, id="any of words"),
        pytest.param(any_phrase_pattern(["foo", "(b"]), "afoo (bc", False, id="none of words"),
        pytest.param(sequence_pattern(["a ", " b"]), "a b", False, id="no overlap"),
    ],
)
def test_phrases(pattern: str, text: str, *, found: bool) -> None:
    assert contains(pl.Series([text]), pattern).to_list() == [found]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        pytest.param(r"^\d$", "\u0661", False, id="digits are ASCII"),
        pytest.param(r"^\w+$", "\u0416", False, id="word characters are ASCII"),
        pytest.param(r"^[\w\.]+$", "a.b", True, id="classes inside brackets"),
        pytest.param(r"^[^\S]$", "x", False, id="negated classes inside brackets"),
        pytest.param(r"\bb", "\u0416b", True, id="edges are ASCII"),
        pytest.param(r"[[a]x", "[x", True, id="a bracket inside brackets"),
        pytest.param(r"^[a&&b~]+$", "a&b~", True, id="signs inside brackets"),
        pytest.param(r"^[[:upper:]]$", "A", True, id="named classes"),
        pytest.param(r"\Qa.b\E+", "a.bb", True, id="quoted"),
        pytest.param(r"a.b", "a\nb", False, id="a dot is no line end"),
    ],
)
def test_patterns_are_those_of_re2(pattern: str, text: str, *, found: bool) -> None:
    check_pattern(pattern)
    assert contains(pl.Series([text]), rust_pattern(pattern)).to_list() == [found]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "unclosed group"),
        (r"\8", "backreference"),
        ("(?=a)", "look-around"),
        ("(a{999}){999}", "too large"),
    ],
)
def test_bad_patterns(pattern: str, reason: str) -> None:
    with pytest.raises(BadQuery, match=reason):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("foo", "foo"),
        ("a.b-c", "a.b-c"),
        ("or", '"or"'),
        ("in-x", '"in-x"'),
        ("", '""'),
        ("a b", '"a b"'),
        ('"', '"\\""'),
        ("\0", '"\\x00"'),
    ],
)
def test_quotes_what_must_be_quoted(text: str, printed: str) -> None:
    assert quote_if_needed(text) == printed


def test_quotes_what_cannot_be_seen() -> None:
    assert quote("a\n\u200b") == '"a\\n\\U0000200b"'
