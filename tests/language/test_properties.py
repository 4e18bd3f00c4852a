"""What holds for every filter and every text."""

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logyard.errors import BadQuery
from logyard.language.ast import Filter, SubQuery, all_of, any_of, negated, rewritten, walk
from logyard.language.entry import filter_classes, parse_filter
from logyard.language.parser import Parser, SubQueryReader
from logyard.language.view import View
from logyard.testing.queries import LEAVES, Vocabulary, filters, records

NOW = Vocabulary().now
TOKENS = (
    "a", "or", "and", "not", "!", "-", "(", ")", "[", "]", "{", "}", "*", ":", "=", "~", "=~", "!=", "<", ">",
    ",", "|", '"x y"', "''", "`", '"', "#", "\n", " ", "in", "in(", "range[", "1", "5m", "_time:", "_stream:",
    "_stream_id:", "i(", "day_range[", "week_range(", "08:00", "Mon", "offset", "seq(", "options(", "\\",
    "value_type(", "2025-03", "\x00",
)  # fmt: skip


class Inner:
    field = "x"


def swallow(parser: Parser) -> SubQuery:
    parser.parse_filter()
    parser.expect("|")
    while not (parser.at_end or parser.at(")")):
        parser.advance()
    return Inner()


def test_every_filter_has_a_strategy() -> None:
    assert set(LEAVES) == set(filter_classes())


@pytest.mark.parametrize("name", sorted(LEAVES))
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_printed_is_parsed_as_the_same(name: str, data: st.DataObject) -> None:
    node = data.draw(LEAVES[name](Vocabulary()))
    assert parse_filter(str(node), now=NOW) == node


@given(filters())
def test_what_is_printed_is_parsed_as_the_same_when_nested(node: Filter) -> None:
    assert parse_filter(str(node), now=NOW) == node


@given(filters(), records())
def test_a_filter_answers_each_record_yes_or_no(node: Filter, rows: list[dict[str, str]]) -> None:
    found = node.match(View.of_rows(rows))
    assert found.dtype == pl.Boolean
    assert (len(found), found.null_count()) == (len(rows), 0)


@given(filters(without=frozenset({"value_type"})), records())
def test_records_are_judged_one_by_one(node: Filter, rows: list[dict[str, str]]) -> None:
    alone = [node.match(View.of_rows([row])).item() for row in rows]
    assert node.match(View.of_rows(rows)).to_list() == alone


@given(filters(leaves=3), filters(leaves=3), records())
def test_not_and_or_are_those_of_logic(one: Filter, two: Filter, rows: list[dict[str, str]]) -> None:
    view = View.of_rows(rows)
    neither = negated(any_of([one, two])).match(view)
    assert neither.equals(all_of([negated(one), negated(two)]).match(view))


@given(filters())
def test_a_rewrite_that_changes_nothing_changes_nothing(node: Filter) -> None:
    assert rewritten(node, lambda each: each) == node
    assert node.fields() == frozenset[str]().union(*(each.fields() for each in walk(node)))


@given(st.text(max_size=60))
@example("\ud800")
@example('"\\ud800"')
@example("a" * 70_000)
def test_any_text_is_a_filter_or_a_bad_query(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=14))
def test_any_tokens_are_a_filter_or_a_bad_query(tokens: list[str]) -> None:
    check(" ".join(tokens))
    check("".join(tokens))


def check(text: str) -> None:
    for subquery in (None, swallow):
        node = read(text, subquery)
        assert node is None or subquery is swallow or parse_filter(str(node), now=NOW) == node


def read(text: str, subquery: SubQueryReader | None) -> Filter | None:
    """The filter, or None for a bad query whose fault lies within the text."""
    try:
        return parse_filter(text, now=NOW, subquery=subquery)
    except BadQuery as problem:
        return None if 0 <= problem.position <= len(text) else pytest.fail(f"position {problem.position}")
