"""Lines of files, and of containers, into records: the same ones wherever reading stops."""

from itertools import pairwise

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.formats.multiline.containers import Engine, carried, engine_of
from logyard.formats.multiline.gather import Gatherer
from logyard.formats.multiline.rules import JoinRules
from tests.formats.multiline.test_joiner import TRACES

TIME = "2026-01-10T11:55:36.123456789Z"


def cri(text: str, tag: str = "F", stream: str = "stdout") -> str:
    return f"{TIME} {stream} {tag} {text}"


def docker(text: str, stream: str = "stdout") -> str:
    return msgspec.json.encode({"log": text, "stream": stream, "time": TIME}).decode()


def texts(lines: list[str]) -> pl.Series:
    return pl.Series(lines, dtype=pl.String)


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param(cri("x"), "cri", id="cri"),
        pytest.param(cri("x", "P:1"), "cri", id="cri with more tags"),
        pytest.param(docker("x\n"), "docker", id="docker"),
        pytest.param(
            '{"log":"x\\n","stream":"stdout","attrs":{"tag":"a"},"time":"t"}', "docker", id="docker with labels"
        ),
        pytest.param('{"log":"x","time":"t","level":"info"}', None, id="a program's own JSON"),
        pytest.param(f"{TIME} stdout of the pump is blocked", None, id="words"),
    ],
)
def test_who_wrote_a_line(line: str, want: Engine | None) -> None:
    assert engine_of(texts([line])) == want


def test_what_is_none_of_the_engines_lines_is_its_own_text() -> None:
    found = carried(texts([docker("a\n"), "b", '{"log":7}', docker("c", "stderr")]), "docker")
    assert found.text.to_list() == ["a", "b", '{"log":7}', "c"]
    assert found.stream.to_list() == ["stdout", "", "", "stderr"]
    assert found.goes_on.to_list() == [False, False, False, True]


def test_streams_that_are_interleaved_are_put_together_each_by_itself() -> None:
    lines = [cri("a", "P"), cri("x", "P", "stderr"), cri("b"), cri("y", "F", "stderr"), cri("z", "P")]
    found = Gatherer(None).gather(texts(lines), final=False)
    assert (found.text.to_list(), found.taken) == (["ab", "xy"], 4)
    last = Gatherer(None).gather(texts(lines), final=True)
    assert (last.text.to_list(), last.taken) == (["ab", "xy", "z"], 5)


def test_a_record_that_is_woven_into_one_that_is_not_complete_waits_with_it() -> None:
    """Else its last part, which lies behind the other's first, would be given again, and be a record of its own."""
    lines = [cri("a", "P"), cri("x", "P", "stderr"), cri("b"), cri("c")]
    found = Gatherer(None).gather(texts(lines), final=False)
    assert (found.text.to_list(), found.taken) == ([], 0)


def test_what_comes_after_a_record_that_is_not_complete_waits_with_it() -> None:
    lines = [cri("a", "P"), cri("x", "F", "stderr")]
    found = Gatherer(None).gather(texts(lines), final=False)
    assert (found.text.to_list(), found.taken) == ([], 0)


TRACE_LINES = [*"\n".join(TRACES.values()).split("\n"), "2026-05-06 07:08:09 x", "plain", ""]
RULES = [
    JoinRules(preset="java,python"), JoinRules(preset="go"), JoinRules(mode="halt_before", pattern="^2026"),
    JoinRules(mode="continue_past", pattern=":$"), JoinRules(mode="halt_with", pattern=";$", start="^plain"), None,
]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(TRACE_LINES), st.sampled_from("PF"), st.sampled_from(["stdout", "stderr"]))),
    st.lists(st.integers(0, 40), max_size=6),
    st.sampled_from(RULES),
    st.sampled_from(["off", "auto"]),
)
def test_the_same_records_wherever_reading_stops(
    lines: list[tuple[str, str, str]], cuts: list[int], rules: JoinRules | None, container: str
) -> None:
    given_ = [cri(*line) if container == "auto" else line[0] for line in lines]
    whole = Gatherer(rules).gather(texts(given_), final=True).text.to_list()
    gatherer, got, held = Gatherer(rules), list[str](), list[str]()
    for begin, end in pairwise([0, *sorted(min(cut, len(given_)) for cut in cuts), len(given_)]):
        held += given_[begin:end]
        found = gatherer.gather(texts(held), final=False)
        got += found.text.to_list()
        held = held[found.taken :]
    got += gatherer.gather(texts(held), final=True).text.to_list()
    assert got == whole
