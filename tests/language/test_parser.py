"""How queries are read and printed, and where errors point."""

from collections.abc import Sequence

import pytest

from logyard.errors import BadQuery
from logyard.language.ast import All, And, Filter, Not, Or, SubQuery, ValuesFilter
from logyard.language.entry import open_query, parse_filter
from logyard.language.filters.in_ import In
from logyard.language.filters.phrase import Phrase
from logyard.language.parser import MAX_DEPTH, Parser
from logyard.language.view import View

NOW = 1_741_950_000_000_000_000
FOO, BAR, BAZ = Phrase("", "foo"), Phrase("", "bar"), Phrase("", "baz")


@pytest.mark.parametrize(
    ("query", "node"),
    [
        pytest.param("foo", FOO, id="word"),
        pytest.param("foo bar", And((FOO, BAR)), id="side by side is and"),
        pytest.param("foo AND bar", And((FOO, BAR)), id="and in any case"),
        pytest.param("foo or bar baz", Or((FOO, And((BAR, BAZ)))), id="and binds more tightly"),
        pytest.param("(foo or bar) baz", And((Or((FOO, BAR)), BAZ)), id="parentheses"),
        pytest.param("(foo bar) baz", And((FOO, BAR, BAZ)), id="nested ands are one"),
        pytest.param("-foo", Not(FOO), id="minus is not"),
        pytest.param("not !foo", FOO, id="twice not"),
        pytest.param("*", All(), id="star"),
        pytest.param("level:foo", Phrase("level", "foo"), id="field"),
        pytest.param("_msg:foo", FOO, id="message by name"),
        pytest.param("level:(a or !b)", Or((Phrase("level", "a"), Not(Phrase("level", "b")))), id="field of a group"),
        pytest.param("'a b':`c d`", Phrase("a b", "c d"), id="quotes of all kinds"),
        pytest.param('"tab\\t\\u0416\\x41"', Phrase("", "tab\t\u0416A"), id="escapes"),
        pytest.param("foo # all of it", FOO, id="comment"),
        pytest.param("a.b-c/d", Phrase("", "a.b-c/d"), id="touching tokens are one word"),
        pytest.param("in", Phrase("", "in"), id="a function's name alone is a word"),
        pytest.param("and", Phrase("", "and"), id="a keyword with nothing before it is a word"),
        pytest.param("ip:1.2.3.4", Phrase("ip", "1.2.3.4"), id="address"),
    ],
)
def test_reads(query: str, node: Filter) -> None:
    assert parse_filter(query, now=NOW) == node


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("foo  OR   (bar baz)", "foo or bar baz"),
        ("!(foo or bar)", "!(foo or bar)"),
        ("not foo:bar", "!foo:bar"),
        ("level:(error warn*)", "level:error level:warn*"),
        ("'foo bar'", '"foo bar"'),
        ('`a"b\\c`', '"a\\"b\\\\c"'),
        ('"or"', '"or"'),
        ("exact(foo*)", "=foo*"),
        ("x:!=y", "!x:=y"),
        ("x:!~y", "!x:~y"),
        ("re('a|b')", '~"a|b"'),
        ("i(Foo*)", "i(Foo*)"),
        ("x:>=10KiB", "x:>=10KiB"),
        ("x:< foo", "x:<foo"),
        ("range( 1 ,2 ]", "range(1, 2]"),
        ("ipv4_range(10.1.2.3/8)", "ipv4_range(10.0.0.0, 10.255.255.255)"),
        ("len_range(1_0, inf)", "len_range(10, inf)"),
        ("seq(a, 'b c')", 'seq(a,"b c")'),
        ("in(a, 'b c',)", 'in(a,"b c")'),
        ("in(*)", "*"),
        ("eq_field(_msg)", "eq_field(_msg)"),
        ("_stream : { a = b , 'c d' !~ 'x' or e in (f, g.h) }", '{a="b","c d"!~"x" or e=~"f|g\\\\.h"}'),
        ("_time:[2024-01 , now )", "_time:[2024-01,now)"),
        ("_time:5m offset 1d", "_time:5m offset 1d"),
        ("_time:day_range[ 08:00,18:00 )", "_time:day_range[08:00, 18:00)"),
    ],
)
def test_prints(query: str, printed: str) -> None:
    found = parse_filter(query, now=NOW)
    assert str(found) == printed
    assert parse_filter(str(found), now=NOW) == found


@pytest.mark.parametrize(
    ("query", "position", "reason"),
    [
        pytest.param("", 0, "missing a filter", id="nothing"),
        pytest.param("foo and", 7, "missing a filter", id="nothing after and"),
        pytest.param("(foo", 4, "missing ')'", id="open parenthesis"),
        pytest.param("foo)", 3, "only a filter", id="closed too often"),
        pytest.param("foo | bar", 4, "only a filter", id="pipe"),
        pytest.param("count(x)", 5, "'count' is no filter", id="unknown function"),
        pytest.param('level:"foo', 6, "a quote is not closed", id="open quote"),
        pytest.param("x:~'['", 3, "bad regular expression", id="bad pattern"),
        pytest.param("range[1, many]", 9, "'many' is not a number", id="no number"),
        pytest.param("_time:tomorrow", 6, "'tomorrow' is not a duration", id="no duration"),
        pytest.param("_time:[2024-13, now]", 7, "'2024-13' is no time", id="no month"),
        pytest.param("_time:day_range[8, 9]", 16, "'8' is no time of the day", id="no clock"),
        pytest.param("_time:week_range[Mon, Foo]", 22, "'Foo' is no day", id="no weekday"),
        pytest.param("level:{a=b}", 7, "a stream selector", id="selector on a field"),
        pytest.param("{a}", 2, "missing '='", id="selector without a value"),
        pytest.param("_stream_id:12", 13, "is no stream id", id="short stream id"),
        pytest.param("in(a b)", 5, "missing ')'", id="comma forgotten"),
        pytest.param("in(a | fields x)", 5, "missing ')'", id="a query where none can be run"),
        pytest.param("ipv4_range(1.2.3)", 10, "ipv4_range() takes", id="no address"),
        pytest.param("len_range(1)", 9, "len_range() takes", id="one length"),
        pytest.param("*:foo", 1, "a field's name holds no *", id="star as a field"),
        pytest.param("(" * 10_000, MAX_DEPTH, "nested more than", id="parentheses without end"),
        pytest.param("!" * 10_000 + "a", MAX_DEPTH, "nested more than", id="negations without end"),
        pytest.param("a" * 1_000_001, 0, "at most 1000000 characters", id="too long"),
        pytest.param("a\ud800", 1, "not valid Unicode", id="half a character"),
    ],
)
def test_points_at_the_fault(query: str, position: int, reason: str) -> None:
    with pytest.raises(BadQuery) as raised:
        parse_filter(query, now=NOW)
    assert reason in raised.value.reason
    assert raised.value.position == position


def test_as_deep_as_allowed_is_fine() -> None:
    depth = MAX_DEPTH - 1
    assert parse_filter("(" * depth + "foo" + ")" * depth, now=NOW) == FOO


class Asked:
    """A sub-query that remembers its text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.field = "user"

    def __str__(self) -> str:
        return self.text


def ask(parser: Parser) -> SubQuery:
    start = parser.token.start
    parser.parse_filter()
    parser.expect("|")
    parser.expect("fields")
    parser.name()
    return Asked(parser.query[start : parser.token.start])


def test_values_may_be_asked_of_another_query() -> None:
    found = parse_filter("user:in(level:error | fields user) foo", now=NOW, subquery=ask)
    assert str(found) == "user:in(level:error | fields user) foo"
    asking = found.children()[0]
    assert isinstance(asking, In)
    with pytest.raises(BadQuery, match="cannot be run here"):
        asking.match(View.of_rows([{}]))
    assert asking.resolved(["ann", "bob"]) == In("user", ("ann", "bob"))


def test_a_fault_in_the_inner_query_is_what_is_told() -> None:
    with pytest.raises(BadQuery, match="missing 'fields'"):
        parse_filter("in(a | uniq by (x))", now=NOW, subquery=ask)


@pytest.mark.parametrize("query", ["in(a, b)", "contains_any(a, b)", "contains_all(a, b)"])
def test_lists_of_values_are_of_one_kind(query: str) -> None:
    found = parse_filter(query, now=NOW)
    assert isinstance(found, ValuesFilter)
    assert found.known_values() == ("a", "b")


def test_the_parser_goes_on_behind_the_filter() -> None:
    parser = open_query("foo | fields a.b-c, 'd e' | limit 1_000 x 5m", now=NOW)
    assert parser.parse_filter() == FOO
    parser.expect("|")
    assert parser.take("fields")
    names: Sequence[str] = [parser.name(), *([parser.name()] if parser.take(",") else [])]
    assert names == ["a.b-c", "d e"]
    assert parser.take("|")
    assert parser.take("limit", "head")
    assert parser.number() == (1000.0, "1_000")
    assert not parser.take("y")
    assert parser.word() == "x"
    assert parser.duration() == (300_000_000_000, "5m")
    assert parser.at_end
