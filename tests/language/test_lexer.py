"""Query text into tokens."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.language.lexer import Kind, tokenize


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        pytest.param("a.b:c_1", ["a.b", ":", "c_1"], id="words"),
        pytest.param("a=~b!~c!=d=e", ["a", "=~", "b", "!~", "c", "!=", "d", "=", "e"], id="operators"),
        pytest.param("\"a\\\"b\" 'c\\'d' `e\\f`", ['a"b', "c'd", "e\\f"], id="quotes"),
        pytest.param('"\\x41\\102\\u0043\\U00000044\\t"', ["ABCD\t"], id="escapes"),
        pytest.param('"a\\q"', ['"', "a", "\\", "q", '"'], id="an unknown escape is no string"),
        pytest.param("a # b\nc#d", ["a", "c"], id="comments"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_tokens(query: str, texts: list[str]) -> None:
    assert [token.text for token in tokenize(query)[:-1]] == texts


def test_a_quoted_word_is_no_keyword() -> None:
    quoted, plain, end = tokenize("'OR' OR")
    assert (quoted.keyword, plain.keyword, end.kind) == ("", "or", Kind.END)
    assert (quoted.spaced, plain.spaced) == (True, True)
    assert not tokenize("a'b'")[1].spaced


@given(st.text(max_size=40))
def test_tokens_are_the_text_without_blanks_and_comments(query: str) -> None:
    tokens = tokenize(query)
    assert all(query[token.start : token.end] == token.raw for token in tokens)
    assert all(one.end <= two.start for one, two in pairwise(tokens))
    assert tokens[-1].kind is Kind.END
