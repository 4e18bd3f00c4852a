import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadInput
from logyard.model import stream


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        pytest.param({}, "{}", id="none"),
        pytest.param({"service": "b", "host": "a"}, '{host="a",service="b"}', id="names are sorted"),
        pytest.param({"service": "b", "host": ""}, '{service="b"}', id="empty is left out"),
        pytest.param({"a": 'x"\\\n'}, '{a="x\\"\\\\\\n"}', id="escapes"),
        pytest.param({"k8s.pod/name": "p"}, '{k8s.pod/name="p"}', id="dotted name"),
        pytest.param({"a b": "c"}, '{"a b"="c"}', id="odd name"),
    ],
)
def test_fields_make_one_text(fields: dict[str, str], want: str) -> None:
    assert stream.compose(fields) == want


@given(st.dictionaries(st.text(), st.text(min_size=1)))
def test_what_is_composed_can_be_parsed(fields: dict[str, str]) -> None:
    assert stream.parse(stream.compose(fields)) == fields


@pytest.mark.parametrize("text", ["", "{", "{a}", '{a="b}', '{a="b"x="c"}', '{a="\\x"}', "{a=b}"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a stream identity"):
        stream.parse(text)
