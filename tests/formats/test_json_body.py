import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadPayload
from logyard.formats.json.lines import Validated, items


def lines(validated: Validated) -> list[bytes]:
    return validated.encoded.lines.split(b"\n") if validated.encoded else []


def refused(validated: Validated) -> list[int]:
    return [refusal.index for refusal in validated.rejected]


@pytest.mark.parametrize(
    ("body", "want"),
    [
        pytest.param(b'{"a":1}', [b'{"a":1}'], id="an object"),
        pytest.param(b' \r\n{"a":1}\n', [b'{"a":1}'], id="blanks around"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', [b'{"a":1}'], id="byte order mark"),
        pytest.param(b'{\n  "a": 1\n}', [b'{   "a": 1 }'], id="an object over several lines"),
        pytest.param(b'[{"a":1},{"b":2}]', [b'{"a":1}', b'{"b":2}'], id="an array"),
        pytest.param(
            b'[\r\n {"a":1},\r\n {\r\n"b":2}\r\n]',
            [b'{"a":1}', b'{  "b":2}'],
            id="an array over several lines",
        ),
        pytest.param(b"[]", [], id="an empty array"),
        pytest.param(b'{"logs":[{"a":1},{"b":"\\n"}]}', [b'{"a":1}', b'{"b":"\\n"}'], id="under logs"),
        pytest.param(b'{"x":1,\n"logs": [\n{"a":1}]}', [b'{"a":1}'], id="under logs, beside others"),
        pytest.param(b'{"logs":[]}', [], id="none under logs"),
        pytest.param(b'{"logs":"text"}', [b'{"logs":"text"}'], id="a record with a field logs"),
        pytest.param(b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}'], id="lines"),
        pytest.param(b'{"a":1}\n\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], id="lines and a blank one"),
    ],
)
def test_a_body_has_items(body: bytes, want: list[bytes]) -> None:
    validated = items(body)
    assert lines(validated) == want
    assert refused(validated) == []


@pytest.mark.parametrize(
    ("body", "good", "bad"),
    [
        pytest.param(b'[{"a":1},2,[],{"b":2}]', [0, 3], [1, 2], id="not objects"),
        pytest.param(b'[{"a":1},{"a":NaN},{"b":2}]', [0, 2], [1], id="NaN"),
        pytest.param(b'[{"a":"],"},{a:1},{"b":"\\"[{"}]', [0, 2], [1], id="brackets in strings"),
        pytest.param(b'[{"a":1},,{"b":2}]', [0, 2], [1], id="a comma too many"),
        pytest.param(b'[{"a":1},]', [0], [1], id="a comma at the end"),
        pytest.param(b'[{"a":1},{"a":' + b"[" * 9999 + b"]" * 9999 + b"}]", [0], [1], id="nesting"),
        pytest.param(b'{"logs":[{"a":1},{"a":NaN}]}', [0], [1], id="NaN under logs"),
        pytest.param(b'{"a":NaN}', [], [0], id="one object"),
        pytest.param(b'{"a":1}\n{"a":NaN}', [0], [1], id="the second line"),
        pytest.param(b'{"a":NaN}\n{"a":1}', [1], [0], id="the first line"),
        pytest.param(b'{"a":1', [], [0], id="cut off"),
    ],
)
def test_a_bad_item_is_refused_by_index(body: bytes, good: list[int], bad: list[int]) -> None:
    validated = items(body)
    assert (list(validated.kept), refused(validated)) == (good, bad)


def test_broken_characters_of_one_item_hurt_no_other() -> None:
    validated = items(b'[{"a":"\xff"},{"a":"\\ud800"},{"a":1}]')
    assert lines(validated) == ['{"a":"\ufffd"}'.encode(), b'{"a":"\\ufffd"}', b'{"a":1}']
    assert validated.repaired == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "the body is empty", id="nothing"),
        pytest.param(b"hello", "neither a JSON object nor an array", id="text"),
        pytest.param(b'[{"a":1}', "the array is not closed", id="cut off"),
        pytest.param(b'[{"a":1}]x', "after the array", id="more behind it"),
    ],
)
def test_a_body_without_a_form_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadPayload, match=reason):
        items(body)


@given(st.binary() | st.text('[]{}",:\\ \n1alogs').map(str.encode))
def test_any_bytes_give_items_or_bad_payload(body: bytes) -> None:
    try:
        validated = items(body)
    except BadPayload:
        return
    assert len(lines(validated)) == len(validated.kept)


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers(), max_size=3), min_size=1),
    st.sampled_from([None, 1]),
)
def test_however_it_is_written_the_items_are_the_same(records: list[dict[str, object]], indent: int | None) -> None:
    for body in (records, {"logs": records}):
        found = lines(items(json.dumps(body, indent=indent).encode(errors="replace")))
        assert [json.loads(line) for line in found] == [json.loads(json.dumps(record)) for record in records]
