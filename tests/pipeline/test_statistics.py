"""Statistics of processing, by the clock."""

import polars as pl

from logyard.pipeline.chain import Chain
from logyard.pipeline.statistics import Processing
from logyard.telemetry import Telemetry
from logyard.testing.clock import ManualClock
from tests.pipeline.frames import NOW, framed


def test_totals_a_real_rate_and_live_counts() -> None:
    clock = ManualClock()
    statistics, telemetry = Processing(clock), Telemetry()
    statistics.watch(telemetry)
    steps: list[dict[str, object]] = [
        {"type": "drop", "where": "noise"},
        {"type": "tag", "tags": ["a", "b"], "where": "pay"},
        {"type": "unfold"},
    ]
    chain = Chain.of(steps, telemetry, statistics=statistics)

    def process(*messages: str, source: str, level: str = "info") -> None:
        chain.apply(framed(*({"message": each, "source": source, "level": level} for each in messages)), NOW)

    process("noise", "pay", source="x")
    clock.advance(30)
    process("pay", "{", source="y", level="error")
    told = statistics.as_json()
    assert told.pop("timestamp")
    assert told == {
        "total_processed": 4,
        "processing_rate_per_minute": 4,
        "active_processors": 2,
        "processing_errors": 1,
        "levels": {"INFO": 1, "ERROR": 2},
        "tags": {"a": 2, "b": 2},
    }
    assert telemetry.value("logyard_processed_by_level", level="ERROR") == 2
    assert telemetry.value("logyard_processed_by_tag", tag="b") == 2
    clock.advance(45)
    later = statistics.as_json()
    assert (later["total_processed"], later["processing_rate_per_minute"], later["active_processors"]) == (4, 2, 1)
    clock.advance(60)
    assert statistics.as_json()["processing_rate_per_minute"] == 0


def test_tags_without_end_are_counted_together() -> None:
    statistics = Processing(ManualClock())
    frame = framed(*({"message": str(number)} for number in range(1500)))
    tagged = frame.with_columns(tags=pl.Series([[str(number)] for number in range(1500)]))
    statistics.processed(1500, tagged, 0)
    assert len(statistics.tags()) == 1001
    assert sum(statistics.tags().values()) == 1500
