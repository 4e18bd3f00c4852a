"""Steps that count over batches: sample, dedupe, throttle."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.pipeline.chain import Chain
from logyard.telemetry import Telemetry
from tests.pipeline.frames import NOW, attributes, framed, run

SECOND = 1_000_000_000


def at(second: float, message: str, **more: Any) -> dict[str, Any]:
    """A record of a second of the present minute."""
    return {"timestamp": 1_767_225_600 + second, "message": message, **more}


def passed(chain: Chain, *records: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    left = chain.apply(framed(*records), NOW)
    assert isinstance(left, pl.DataFrame)
    return list(zip(left["message"], attributes(left), strict=True))


def test_repetitions_go_and_the_next_one_says_how_many() -> None:
    chain = Chain.of([{"type": "dedupe", "fields": ["message"], "seconds": 10}])
    assert passed(chain, at(0, "a"), at(1, "a"), at(2, "b"), at(9, "a")) == [("a", {}), ("b", {})]
    assert passed(chain, at(9.5, "a"), at(11, "a"), at(12, "b")) == [("a", {"repeated": 3}), ("b", {})]
    assert passed(chain, at(21, "a")) == [("a", {})]


def test_a_rate_is_kept_for_each_key() -> None:
    telemetry = Telemetry()
    chain = Chain.of([{"type": "throttle", "rate": 2, "fields": ["service"], "name": "limit"}], telemetry)
    records = [at(0.1 * n, str(n), service="ab"[n % 2]) for n in range(8)]
    assert [message for message, _ in passed(chain, *records)] == ["0", "1", "2", "3"]
    assert passed(chain, at(1.5, "x", service="a")) == [("x", {"throttled": 2})]
    assert telemetry.value("logyard_step_dropped_total", step="limit") == 4
    assert telemetry.value("logyard_step_ran_total", step="limit") == 9


def test_one_in_so_many_stays_with_its_weight_and_all_errors() -> None:
    chain = Chain.of([{"type": "sample", "one_in": 3}])
    records = [{"message": str(n), "level": "error" if n == 4 else "info"} for n in range(8)]
    assert passed(chain, *records[:4]) == [("0", {"sample_weight": 3}), ("3", {"sample_weight": 3})]
    assert passed(chain, *records[4:]) == [("4", {}), ("7", {"sample_weight": 3})]


def test_records_that_share_a_key_stay_or_go_together() -> None:
    records = [{"message": "m", "trace_id": f"t{n % 50}"} for n in range(500)]
    left = run(records, {"type": "sample", "one_in": 5, "key": "trace_id"})
    assert set(Counter(left["trace_id"]).values()) == {10}
    assert 0 < left.height < 500
    weights = sum(each["sample_weight"] for each in attributes(left))
    assert weights == left.height * 5


def test_samples_of_samples_multiply_their_weight() -> None:
    left = run([{"sample_weight": 4}, {}], {"type": "sample", "one_in": 1})
    assert attributes(left) == [{"sample_weight": 4}, {"sample_weight": 1}]
    twice = {"type": "sample", "one_in": 2}
    assert attributes(run([{}] * 8, twice, twice)) == [{"sample_weight": 4}] * 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from("abc")), max_size=40),
    st.integers(1, 3),
    st.lists(st.integers(0, 40), max_size=3),
)
def test_windows_against_a_model(events: Sequence[tuple[int, str]], limit: int, cuts: Sequence[int]) -> None:
    """However the records are cut into batches; in the order of time, as within what is remembered."""
    records = [at(second, key) for second, key in sorted(events, key=lambda each: each[0])]
    step = {"type": "throttle", "rate": limit / 2, "seconds": 2, "fields": ["message"], "count": "held"}
    chain = Chain.of([step])
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    found = [each for start, end in pairwise(edges) if end > start
             for each in passed(chain, *records[start:end])]  # fmt: skip
    assert found == modelled(records, limit)


def modelled(records: Sequence[dict[str, Any]], limit: int) -> list[tuple[str, dict[str, Any]]]:
    counts: Counter[tuple[str, int]] = Counter()
    held: Counter[str] = Counter()
    kept: list[tuple[str, dict[str, Any]]] = []
    for record in records:
        key, window = record["message"], int(record["timestamp"]) // 2
        counts[key, window] += 1
        if counts[key, window] > limit:
            held[key] += 1
            continue
        kept.append((key, {"held": held[key]} if held[key] else {}))
        held[key] = 0
    return kept


@pytest.mark.parametrize(
    "step", [{"type": "dedupe", "most_keys": 10}, {"type": "throttle", "rate": 1, "most_keys": 10}]
)
def test_what_is_remembered_is_bounded(step: dict[str, Any]) -> None:
    chain = Chain.of([step])
    passed(chain, *(at(0, str(n), service=str(n)) for n in range(100)))
    windows = next(iter(chain)).step._windows  # type: ignore[attr-defined] # a step of this kind
    assert windows._memory.height <= 10
