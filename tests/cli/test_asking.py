"""Queries, as the command line puts them together, and answers, as it takes them apart."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.cli.asking import columns, decoded, has_pipes, narrowed


@pytest.mark.parametrize(
    ("query", "has"),
    [
        pytest.param("error", False, id="a word"),
        pytest.param("error | fields a", True, id="a pipe"),
        pytest.param('"a | b"', False, id="a pipe in quotes"),
        pytest.param("'a | b' or `c|d`", False, id="in other quotes"),
        pytest.param("a:in(b | fields c)", False, id="in a subquery"),
        pytest.param("a:in(b | fields c) | limit 1", True, id="behind a subquery"),
        pytest.param('{app="a|b"}', False, id="in a stream selector"),
        pytest.param("a # | not here", False, id="in a comment"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_pipes_are_found(query: str, has: bool) -> None:  # noqa: FBT001 - a fact
    assert has_pipes(query) is has


@pytest.mark.parametrize(
    ("query", "where", "whole"),
    [
        pytest.param("error", [], "error", id="nothing to add"),
        pytest.param("", [], "*", id="everything"),
        pytest.param("a or b", ["c"], "(c) (a or b)", id="or binds tighter than it looks"),
        pytest.param("a | limit 1", ["c", "d or e"], "(c) (d or e) (a) | limit 1", id="in front of the pipes"),
        pytest.param("a # why", ["c"], "(c) (a # why\n)", id="a comment keeps its line"),
        pytest.param("", ["c"], "(c) (*)", id="only --where"),
        pytest.param("a", ["  "], "a", id="an empty one"),
    ],
)
def test_where_narrows(query: str, where: Sequence[str], whole: str) -> None:
    assert narrowed(query, where) == whole


@given(st.lists(st.dictionaries(st.text(), st.integers(), min_size=1)), st.integers(1, 50))
def test_rows_survive_any_cut(rows: list[dict[str, int]], size: int) -> None:
    text = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert [row for part in decoded(pieces) for row in part] == rows


def test_the_last_row_may_lack_its_line_feed() -> None:
    assert list(decoded([b'{"a":', b"1}"])) == [[{"a": 1}]]


def test_columns_begin_with_what_every_log_has() -> None:
    rows: list[dict[str, Any]] = [{"zoo": 1, "message": "m"}, {"id": "1", "ant": 2, "level": "INFO"}]
    assert columns(rows) == ("id", "level", "message", "ant", "zoo")
