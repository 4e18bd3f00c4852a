import json

import pytest

from bench.measures.singles import percentile
from bench.report import Bound, Figure, as_json, at_least, at_most, figure, table


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        pytest.param(0.8, at_least(0.75), "holds", id="above a lower bound"),
        pytest.param(0.7, at_least(0.75), "MISSED", id="below a lower bound"),
        pytest.param(19.0, at_most(20), "holds", id="below an upper bound"),
        pytest.param(21.0, at_most(20), "MISSED", id="above an upper bound"),
        pytest.param(0.0, at_most(0), "holds", id="none where none may be"),
        pytest.param(5.0, None, "", id="nothing is asked"),
    ],
)
def test_a_figure_is_judged_by_its_bound(value: float, bound: Bound | None, verdict: str) -> None:
    assert figure(("a", "b"), value, "ms", bound).verdict == verdict


def test_the_ratio_is_that_to_the_bound() -> None:
    assert figure(("a", "b"), 30.0, "ms", at_most(20)).ratio == 1.5
    assert figure(("a", "b"), 30.0, "ms").ratio is None
    assert figure(("a", "b"), 0.0, "", at_most(0)).ratio is None


def test_the_table_has_a_line_for_each_figure_under_its_heads() -> None:
    found = [Figure("queries", "facets", 120.0, "ms", at_most(150)), Figure("ingest", "CPU", 2.25, "us/row")]
    heads, rule, first, second = table(found).splitlines()
    assert heads.split() == ["measure", "what", "value", "bound", "ratio", "verdict", "note"]
    assert set(rule) == {"-", " "}
    assert first.split() == ["queries", "facets", "120", "ms", "at", "most", "150", "0.80", "holds"]
    assert second.split() == ["ingest", "CPU", "2.25", "us/row"]


def test_the_json_names_what_was_missed_and_what_broke() -> None:
    found = [figure(("queries", "facets"), 300, "ms", at_most(150)), figure(("queries", "all"), 1, "ms", at_most(2))]
    text = as_json(found, {"rows": 10}, {"tail": "no server"})
    assert "\n" not in text
    told = json.loads(text)
    assert told["rows"] == 10
    assert told["missed"] == ["queries: facets"]
    assert told["broken"] == {"tail": "no server"}
    assert [each["verdict"] for each in told["figures"]] == ["MISSED", "holds"]


def test_percentiles_are_by_nearest_rank() -> None:
    ordered = [float(number) for number in range(1, 101)]
    assert percentile(ordered, 0.5) == 51
    assert percentile(ordered, 0.99) == 100
    assert percentile(ordered, 1.0) == 100
    assert percentile([], 0.5) == 0
