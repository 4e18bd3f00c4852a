"""Metrics of records."""

from typing import Any

import pytest

from logyard.errors import BadConfig
from logyard.pipeline.chain import Chain
from logyard.telemetry import Telemetry
from tests.pipeline.frames import NOW, attributes, framed, run

RECORDS = [
    {"service": "a", "status": 200, "ms": 5},
    {"service": "a", "status": 500, "ms": 50.5},
    {"service": "b", "status": 200, "ms": "slow"},
]


def test_counters_and_histograms_are_shown_to_a_scraper() -> None:
    telemetry = Telemetry()
    step = {
        "type": "aggregate",
        "metrics": [
            {"name": "requests", "by": ["service", "http.status"]},
            {"name": "failed", "where": "status:>=500"},
            {"name": "spent", "field": "ms", "by": ["service"]},
            {"name": "took", "type": "histogram", "field": "ms", "buckets": [5, 10]},
        ],
    }
    chain = Chain.of([step], telemetry)
    for _ in range(2):
        left = chain.apply(framed(*RECORDS), NOW)
        assert left.height == 3  # type: ignore[union-attr] # a frame, as what was given
    assert telemetry.value("requests_total", service="a", http_status="") == 4
    assert telemetry.value("failed_total") == 2
    assert telemetry.value("spent_total", service="a") == 111
    assert telemetry.value("took_bucket", le="5.0") == 2
    assert telemetry.value("took_bucket", le="10.0") == 2
    assert telemetry.value("took_bucket", le="+Inf") == 4
    assert telemetry.value("took_sum") == 111
    assert telemetry.value("took_count") == 4
    assert b"# TYPE took histogram" in telemetry.prometheus()


def test_metrics_as_records() -> None:
    step = {"type": "aggregate", "metrics": [{"name": "n", "by": ["service"]}], "records": True, "drop": True}
    left = run(RECORDS, step)
    assert left["message"].to_list() == ["n 2", "n 1"]
    assert left["service"].to_list() == ["a", "b"]
    found = attributes(left)
    assert [(each["metric"], each["count"], each["sum"]) for each in found] == [("n", 2, 2.0), ("n", 1, 1.0)]
    both = run(RECORDS, {**step, "drop": False, "when": "service:b"})
    assert both["service"].to_list() == ["a", "a", "b", "b"]


def test_series_are_bounded() -> None:
    telemetry = Telemetry()
    metric = {"name": "n", "by": ["id"], "most_series": 3}
    chain = Chain.of([{"type": "aggregate", "metrics": [metric]}], telemetry)
    chain.apply(framed(*({"id": number} for number in range(10))), NOW)
    assert telemetry.value("n_total", id="2") == 1
    assert telemetry.value("n_total", id="(others)") == 7


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        pytest.param([], "name metrics", id="none"),
        pytest.param([{"name": "a"}, {"name": "a"}], "each once", id="twice"),
        pytest.param([{"name": "a b"}], "no name of a metric", id="a name with a blank"),
        pytest.param([{"name": "a", "type": "histogram"}], "needs a field", id="a histogram of nothing"),
        pytest.param([{"name": "a", "buckets": [2, 1]}], "must rise", id="buckets"),
        pytest.param([{"name": "a", "where": "x:("}], "where", id="a filter"),
    ],
)
def test_a_metric_that_cannot_be(metrics: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        Chain.of([{"type": "aggregate", "metrics": metrics}])
