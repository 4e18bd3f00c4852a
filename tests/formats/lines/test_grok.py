"""Grok expressions."""

import polars as pl
import pytest

from logyard.errors import BadConfig
from logyard.formats.lines.grok import compile_grok, library


def extract(expression: str, line: str, own: dict[str, str] | None = None) -> dict[str, str | None]:
    grok = compile_grok(expression, own)
    lines = pl.Series([line])
    assert lines.str.contains(grok.regex)[0]
    return grok.extract(lines).row(0, named=True)


@pytest.mark.parametrize(
    ("expression", "line", "want"),
    [
        pytest.param("%{IP:client}", "at 10.0.0.1 now", {"client": "10.0.0.1"}, id="a name and a field"),
        pytest.param("%{WORD} (?<rest>.*)", "a b c", {"rest": "b c"}, id="a named group as Oniguruma writes it"),
        pytest.param("(?P<x>[0-9]+)|y(?P<x>z)", "yz", {"x": "z"}, id="one field in two places"),
        pytest.param("(a|b)%{INT:n}", "b-7", {"n": "-7"}, id="a group without a name captures nothing"),
        pytest.param(r"\(%{INT:n}\)[(]", "(1)(", {"n": "1"}, id="a parenthesis that is text"),
        pytest.param("%{INT:[http][status]:int}", "200", {"http.status": "200"}, id="a field in brackets"),
        pytest.param("%{HTTPDATE:t}", "06/May/2024:07:08:09 +0200", {"t": "06/May/2024:07:08:09 +0200"}, id="a date"),
        pytest.param("%{URIPATHPARAM:u}", "/a/b?c=d", {"u": "/a/b?c=d"}, id="a path"),
        pytest.param(
            "%{UUID:u}",
            "x 4eebb5e2-2f13-42f8-8644-d6c9a9e244f0",
            {"u": "4eebb5e2-2f13-42f8-8644-d6c9a9e244f0"},
            id="a UUID",
        ),
    ],
)
def test_an_expression_finds_its_fields(expression: str, line: str, want: dict[str, str]) -> None:
    assert extract(expression, line) == want


def test_a_field_says_what_it_is() -> None:
    assert compile_grok("%{INT:n:int} %{NUMBER:x:float} %{WORD:w}").kinds == {"n": "int", "x": "float"}


def test_own_patterns_come_before_the_library() -> None:
    assert extract("%{WORD:w}", "ab1", {"WORD": "[a-z]+"}) == {"w": "ab"}


@pytest.mark.parametrize("name", sorted(library()))
def test_every_name_of_the_library_can_be_used(name: str) -> None:
    assert compile_grok(f"%{{{name}:x}}").groups


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        pytest.param("%{NOPE}", "NOPE", id="an unknown name"),
        pytest.param("(?P<x>a", "cannot read", id="an open group"),
        pytest.param("(?<!a)b", "cannot read", id="look-behind"),
        pytest.param(r"(.)\1", "cannot read", id="a back reference"),
    ],
)
def test_a_bad_expression_is_refused(expression: str, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        compile_grok(expression)


def test_a_pattern_that_refers_to_itself_is_refused() -> None:
    with pytest.raises(BadConfig, match="itself"):
        compile_grok("%{A}", {"A": "%{B}", "B": "%{A}"})
