"""Members of objects in columns, held to what decoding each of them says."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.formats.json.members import holding, member, merged, only, put, scalar_text, without

NAMES = ["a", "b", "a.b", "x y", 'q"', "é", "ab", "b\\"]
SCALARS = (
    st.sampled_from(["", "x", 'a"b', "\\", "{", '"a":1', ',"a":', "a", "[1,2]", "é\n", ", "])
    | st.integers()
    | st.booleans()
    | st.none()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), min_size=1, max_size=6)


def column(objects: list[dict[str, Any]], **how: Any) -> pl.Series:
    how = {"separators": (",", ":"), "ensure_ascii": False, **how}
    return pl.Series("attributes", [json.dumps(each, **how) for each in objects], dtype=pl.String)


def looked_up(row: Any, name: str) -> Any:
    """By the words of the docstring: as it stands, then nested; null and objects only where there is nothing else."""
    own = row.get(name)
    if own is not None and not isinstance(own, dict):
        return own
    for place in [index for index, letter in enumerate(name) if letter == "."]:
        inner = row.get(name[:place])
        value = looked_up(inner, name[place + 1 :]) if isinstance(inner, dict) else None
        if value is not None:
            return value
    return own


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.sampled_from(NAMES), st.booleans())
def test_a_member_is_what_decoding_finds(objects: list[dict[str, Any]], name: str, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    found = member(column(objects, ensure_ascii=ascii_only), name)
    values = [None if text is None else json.loads(text) for text in found]
    assert values == [looked_up(each, name) for each in objects]
    spaced = member(column(objects, separators=(", ", ": ")), name)
    assert [None if text is None else json.loads(text) for text in spaced] == values


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.sampled_from(["a", "x y", "é", "b\\", "ab"]), SCALARS)
def test_what_is_put_in_is_found_and_the_rest_stays(objects: list[dict[str, Any]], name: str, value: Any) -> None:
    before = column(objects)
    new = pl.Series([json.dumps(value) if index % 2 else None for index in range(len(objects))], dtype=pl.String)
    after = [json.loads(text) for text in put(before, name, new)]
    for index, (old, now) in enumerate(zip(objects, after, strict=True)):
        assert now == ({**old, name: value} if index % 2 else old)


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.sampled_from(["a", "x y", "é", "b\\", "ab"]))
def test_what_is_taken_out_is_gone_and_the_rest_stays(objects: list[dict[str, Any]], name: str) -> None:
    after = without(column(objects), [name])
    assert [json.loads(text) for text in after] == [
        {key: value for key, value in each.items() if key != name} for each in objects
    ]


@settings(max_examples=200, deadline=None)
@given(OBJECTS, OBJECTS)
def test_two_objects_become_one(outer: list[dict[str, Any]], inner: list[dict[str, Any]]) -> None:
    pairs = list(zip(outer, inner, strict=False))
    both = merged(column([one for one, _ in pairs]), column([other for _, other in pairs]))
    assert [json.loads(text) for text in both] == [one | other for one, other in pairs]


@pytest.mark.parametrize(
    ("texts", "name", "want"),
    [
        pytest.param(['{"a":{"b":1},"c":2}'], "a.b", ['{"a":{},"c":2}'], id="nested"),
        pytest.param(['{"a.b":1,"a":{"b":2}}'], "a.b", ['{"a":{"b":2}}'], id="as it stands first"),
        pytest.param(["{}", ""], "a", ["{}", ""], id="nothing"),
    ],
)
def test_a_dotted_member_is_taken_out(texts: list[str], name: str, want: list[str]) -> None:
    assert without(pl.Series(texts), [name]).to_list() == want


def test_only_some_members_stay() -> None:
    left = only(pl.Series(['{"a":1,"b":{"c":[1, 2]},"d":"x"}', "{}"]), ["a", "b.c"])
    assert [json.loads(text) for text in left] == [{"a": 1, "b.c": [1, 2]}, {}]


def test_values_as_text() -> None:
    texts = pl.Series(['"a\\"b"', "1.50", "null", None, "true", '"é"', "[1]"])
    assert scalar_text(texts).to_list() == ['a"b', "1.50", "", "", "true", "é", "[1]"]


def test_nothing_is_looked_for_where_it_cannot_be() -> None:
    assert holding(pl.Series(['{"a":1}', '{"x.a":1}', '{"b":1}', '{"\\u0061":1}']), "x.a").to_list() == [
        True, True, False, True,
    ]  # fmt: skip
