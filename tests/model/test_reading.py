"""How lines are read, as text on disk: old texts stay readable, new ones come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.model.reading import DEFAULT_READING, Reading

names = st.text(max_size=8).filter(lambda name: name not in {"", "timestamp", "message"})
readings = st.builds(
    Reading,
    kind=st.sampled_from(["json", "plain", "mixed", "raw"]),
    message=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    constants=st.dictionaries(names, st.text(max_size=8), max_size=4).map(lambda given: tuple(given.items())),
)


@given(readings)
def test_a_reading_comes_back(reading: Reading) -> None:
    assert Reading.decode(reading.encode()) == reading
    assert reading.encode().count("\n") == bool(reading.constants)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("", DEFAULT_READING, id="default"),
        pytest.param('{"message":["text"]}', Reading(message=("text",)), id="from before there were constants"),
    ],
)
def test_old_texts(text: str, want: Reading) -> None:
    assert Reading.decode(text) == want
    assert want.encode() == text


def test_constants_differ_and_are_not_the_lines_own() -> None:
    assert DEFAULT_READING.given({"a": "1", "b": ""}).constants == (("a", "1"),)
    for wrong in ((("message", "x"),), (("a", "1"), ("a", "2")), (("", "x"),)):
        with pytest.raises(ValueError, match="constants"):
            Reading(constants=wrong)
