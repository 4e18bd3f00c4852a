"""The survey by bytes never finds less than the engine's own would, and no more than it must."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.formats.json.lines import validate
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.store.cluster.survey import survey
from logyard.store.mapping import known_keys
from logyard.types import BatchId, Json, LogId, Nanoseconds

_MINE = Reading(message=("тext/1", "\U0001f600"), service=("a.b",))
_FAR = 300_000


def batch(lines: bytes, reading: Reading = DEFAULT_READING) -> Batch:
    body = validate(lines, reading).encoded
    assert isinstance(body, Encoded)
    return Batch(id=BatchId(bytes(16)), first=LogId(0), received=Nanoseconds(0), body=body)


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        pytest.param(b'{"msg":"a","x":1}', {"msg"}, id="a known key"),
        pytest.param(b'{"x":1}', set(), id="none"),
        pytest.param(b'{ "msg" : "level" }', {"msg", "level"}, id="a value that looks like a key costs little"),
        pytest.param(b'{"x":"\\u003cb\\u003e\\u00e9"}', set(), id="escapes of what is in no key"),
        pytest.param(b'{"\\u006dsg":"a"}', set(known_keys(DEFAULT_READING)), id="a key with an escape"),
        pytest.param(b'{"log\\u002Elevel":"a"}', set(known_keys(DEFAULT_READING)), id="an escaped dot"),
    ],
)
def test_keys(line: bytes, keys: set[str]) -> None:
    assert survey([batch(line)], DEFAULT_READING).keys == keys


def test_a_key_that_comes_late_is_found() -> None:
    early = batch(b'{"msg":"%s"}' % (b"x" * _FAR))
    late = batch(b"\n".join([b'{"msg":"%s"}' % (b"x" * _FAR), b'{"lvl":"info"}', b'{"msg":"%s"}' % (b"x" * _FAR)]))
    assert survey([early, late, early], DEFAULT_READING).keys == {"msg", "lvl"}


def test_only_lines_of_the_reading_count() -> None:
    assert survey([batch(b'{"msg":{}}'), batch(b'{"a.b":1}', _MINE)], _MINE).keys == {"a.b"}


@pytest.mark.parametrize(
    ("lines", "braces"),
    [
        pytest.param(b'{"a":1}\n{"a":{"b":{}}}\n{"a":{}}', 3, id="the deepest"),
        pytest.param(b'{"a":"{{{"}', 4, id="in a text as well"),
    ],
)
def test_braces(lines: bytes, braces: int) -> None:
    assert survey([batch(lines)], DEFAULT_READING).braces == braces


_escape = st.sampled_from(["\\u{:04x}", "\\u{:04X}"])


@st.composite
def _line(draw: st.DrawFn) -> tuple[bytes, set[str]]:
    """A line with known keys, each character of which may be escaped."""
    keys = draw(st.lists(st.sampled_from(known_keys(_MINE)), unique=True, max_size=4))
    record: dict[str, Json] = {key: draw(st.text(max_size=5)) for key in keys}
    text = msgspec.json.encode(record).decode()
    for key in keys:
        if draw(st.booleans()):
            units = key.encode("utf-16-be")
            pairs = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
            text = text.replace(f'"{key}":', '"' + "".join(draw(_escape).format(pair) for pair in pairs) + '":')
    return text.encode(), set(keys)


@given(st.lists(_line(), min_size=1, max_size=3))
def test_never_less_than_there_is(lines: list[tuple[bytes, set[str]]]) -> None:
    found = survey([batch(line, _MINE) for line, _ in lines], _MINE)
    assert found.keys >= set().union(*(keys for _, keys in lines))
    assert found.braces >= 1
