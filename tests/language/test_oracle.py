"""The recorded behaviour of VictoriaLogs 1.26: what is accepted, what is refused, what matches."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from logyard.errors import BadQuery
from logyard.language.ast import All, Filter, SubQuery, walk
from logyard.language.entry import open_query, parse_filter
from logyard.language.filters.comparison import Comparison
from logyard.language.filters.day_range import DayRange
from logyard.language.filters.ipv4_range import Ipv4Range
from logyard.language.filters.range import Range
from logyard.language.filters.regexp import Regexp
from logyard.language.filters.stream import Stream
from logyard.language.filters.time import Time
from logyard.language.filters.week_range import WeekRange
from logyard.language.lexer import tokenize
from logyard.language.numbers import format_ipv4
from logyard.language.options import parse_options
from logyard.language.parser import Parser
from logyard.language.view import View

NOW = 1_700_000_000_000_000_000
Case = dict[str, Any]
Cases = Callable[[str], Sequence[Case]]
Node = TypeVar("Node", bound=Filter)


class Inner(msgspec.Struct, frozen=True):
    """A query with pipes, as text."""

    text: str
    field: str

    def __str__(self) -> str:
        return self.text


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> Cases:
    lines = (shared_data / "oracle" / "logsql" / "unit.jsonl").read_bytes().splitlines()
    found: list[Case] = [msgspec.json.decode(line) for line in lines]
    return lambda kind: [case for case in found if case["kind"] == kind]


def inner(parser: Parser) -> SubQuery:
    """Reads a filter and skips its pipes, of which the last must name one field."""
    start, depth, words = parser.token.start, 0, list[str]()
    parse_options(parser)
    parser.parse_filter()
    while depth or not parser.at(")"):
        if parser.at_end:
            raise parser.fail("missing ')'")
        depth += parser.at("(") - parser.at(")")
        words = [] if parser.at("|") else [*words, parser.token.text]
        parser.advance()
    if words[:1] not in (["fields"], ["keep"], ["uniq"]) or "," in words:
        raise parser.fail("missing 'fields' of one field")
    return Inner(parser.query[start : parser.token.start].strip(), words[-1])


def filter_part(query: str) -> tuple[Filter, Parser]:
    """The filter in front of the pipes, and the parser behind it."""
    parser = open_query(query, now=NOW, subquery=inner)
    parse_options(parser)
    return parser.parse_filter(), parser


def only(kind: type[Node], query: str) -> Node:
    """The one node of a kind."""
    return next(node for node in walk(parse_filter(query, now=NOW)) if isinstance(node, kind))


def failures(cases: Sequence[Case], holds: Callable[[Case], bool]) -> list[str]:
    return [case["query"] for case in cases if not holds(case)]


def accepted(query: str) -> bool:
    try:
        filter_part(query)
    except BadQuery:
        return False
    return True


def test_accepts_what_it_accepts(cases: Cases) -> None:
    assert not failures(cases("parse_ok"), lambda case: accepted(case["query"]))


def test_prints_what_it_can_read_again(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        found, _ = filter_part(case["query"])
        return parse_filter(str(found), now=NOW, subquery=inner) == found

    assert not failures(cases("parse_ok"), holds)


def test_refuses_what_it_refuses(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        try:
            _, parser = filter_part(case["query"])
        except BadQuery:
            return True
        return parser.at("|", ")")  # the fault is in the pipes

    assert not failures(cases("parse_fail"), holds)


def test_matches_what_it_matches(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        found = parse_filter(case["query"], now=NOW).match(View.of_rows(case["rows"]))
        wanted: list[int] = case["expected_rows"]
        return found.arg_true().to_list() == wanted

    assert not failures(cases("filter"), holds)


def test_reads_fields_and_values_as_it_does(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        node = parse_filter(case["query"], now=NOW, subquery=inner)
        if isinstance(node, Range):
            return [node.minimum, node.maximum] == [float(case["min"]), float(case["max"])]
        if isinstance(node, Ipv4Range):
            return [format_ipv4(node.minimum), format_ipv4(node.maximum)] == named(case)
        if isinstance(node, Comparison | All | Regexp):
            return True
        field, values = getattr(node, "field", ""), texts(node)
        wanted: str = case.get("field", "")
        return field == wanted.replace("_msg", "") and values == named(case)

    assert not failures([case for case in cases("filter_parse") if case["filter"] != "regexp"], holds)


def named(case: Case) -> list[str]:
    return case.get("values") or [case[end] for end in ("min", "max") if end in case] or []


def texts(node: Filter) -> list[str]:
    """The texts that a node holds besides its field; an empty phrase is a node of its own."""
    found: list[str] = []
    for name in ("values", "phrases", "text", "lower", "upper", "type"):
        value = getattr(node, name, None)
        found.extend([value] if isinstance(value, str) else value or ())
    return [""] if type(node).__name__ == "EmptyValue" else found


def test_reads_times_as_it_does(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        time = only(Time, case["query"])
        return (time.minimum, time.maximum) == (case["min_ns"], case["max_ns"])

    assert not failures(cases("time_range"), holds)


def test_reads_durations_as_it_does(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        time = only(Time, case["query"])
        wanted: int = case["duration_ns"]
        return time.maximum - time.minimum == wanted

    assert not failures(cases("time_duration"), holds)


def test_reads_hours_of_the_day_as_it_does(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        day = only(DayRange, case["query"])
        return (day.start, day.end, day.offset) == (case["start_ns"], case["end_ns"], case["offset_ns"])

    assert not failures(cases("day_range"), holds)


def test_reads_days_of_the_week_as_it_does(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        week = only(WeekRange, case["query"])
        return (week.start, week.end, week.offset) == (case["start_day"], case["end_day"], case["offset_ns"])

    assert not failures(cases("week_range"), holds)


def test_selects_the_streams_that_it_selects(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        return bool(only(Stream, case["query"]).fits(case["stream"]) == case["expected"])

    assert not failures(cases("stream_filter"), holds)


def test_prints_stream_selectors_as_it_does(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        canonical: str = case["canonical"]
        return str(parse_filter(case["query"], now=NOW)) == canonical

    assert not failures(cases("stream_parse_ok"), holds)


def test_refuses_the_stream_selectors_that_it_refuses(cases: Cases) -> None:
    assert not failures(cases("stream_parse_fail"), lambda case: not accepted(case["query"]))


def test_makes_the_same_tokens(cases: Cases) -> None:
    def holds(case: Case) -> bool:
        wanted: list[str] = case["tokens"]
        return [token.text for token in tokenize(case["query"])][:-1] == wanted

    assert not failures(cases("lex"), holds)
