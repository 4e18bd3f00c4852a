from collections.abc import Callable, Sequence

import pytest

from logyard.errors import BadInput
from logyard.serve.http.params import Parameters
from logyard.testing.clock import ManualClock

SECOND = 10**9


def given(**values: str | Sequence[str]) -> Parameters:
    named = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    return Parameters(named, ManualClock())


@pytest.mark.parametrize(
    ("read", "want"),
    [
        pytest.param(lambda: given(a="1", b="2").text("b", "a"), "2", id="the first name that is given"),
        pytest.param(lambda: given(a="1").text("b", "a"), "1", id="or the next one"),
        pytest.param(lambda: given().text("a"), "", id="or nothing"),
        pytest.param(lambda: given(a=["1", "2"]).text("a"), "2", id="the last of several"),
        pytest.param(lambda: given(a=["1", "", "2,3"]).all("a"), ("1", "2,3"), id="every value"),
        pytest.param(lambda: given(a=["1", " 2, 3,"]).list("a"), ("1", "2", "3"), id="cut at commas"),
        pytest.param(lambda: given(a="7").count("a", 1), 7, id="a number"),
        pytest.param(lambda: given(a="").count("a", 1), 1, id="its default"),
        pytest.param(lambda: given(a="7").count("a", 1, 5), 5, id="its largest"),
        pytest.param(lambda: given(a="TRUE").flag("a"), True, id="true"),
        pytest.param(lambda: given(a="0").flag("a"), False, id="false"),
        pytest.param(lambda: given().time("a"), None, id="no time"),
        pytest.param(lambda: given(a="5").time("a"), 5 * SECOND, id="Unix time"),
        pytest.param(lambda: given(a="1m").span("a", "1h"), 60 * SECOND, id="a duration"),
        pytest.param(lambda: given().span("a", "1h"), 3600 * SECOND, id="its default"),
        pytest.param(lambda: given(a="2.5").span("a", ""), 2_500_000_000, id="plain seconds"),
        pytest.param(lambda: given(a="-1m").signed_span("a"), -60 * SECOND, id="a negative one"),
        pytest.param(lambda: given().signed_span("a"), 0, id="or none"),
        pytest.param(lambda: given(a="5s").seconds("a", 30.0), 5.0, id="seconds"),
        pytest.param(lambda: given(a="1h").seconds("a", 30.0), 30.0, id="the longest"),
        pytest.param(lambda: given(a="0").seconds("a", 30.0), 0.001, id="the shortest"),
    ],
)
def test_reads(read: Callable[[], object], want: object) -> None:
    assert read() == want


@pytest.mark.parametrize(
    ("read", "named"),
    [
        pytest.param(lambda: given().needed("a", "b"), "missing parameter a", id="missing"),
        pytest.param(lambda: given(a="x").count("a", 1), "a from 'x'", id="no number"),
        pytest.param(lambda: given(a="9" * 19).count("a", 1), "cannot parse a", id="a number that is too long"),
        pytest.param(lambda: given(a="x").time("a"), "^a: ", id="no time"),
        pytest.param(lambda: given(a="x").span("a", ""), "^a: ", id="no duration"),
        pytest.param(lambda: given(a="--1m").signed_span("a"), "^a: ", id="two signs"),
        pytest.param(lambda: given(a="1..2").span("a", ""), "^a: ", id="two points"),
    ],
)
def test_names_what_cannot_be_read(read: Callable[[], object], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read()
