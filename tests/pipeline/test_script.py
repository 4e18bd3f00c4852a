"""Functions of users: what they may do, and what their mistakes cost."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from logyard.model.schema import FRAME
from logyard.pipeline.chain import Chain
from logyard.telemetry import Telemetry
from tests.pipeline.frames import NOW, attributes, framed, run

RECORDS: list[dict[str, Any]] = [
    {"message": "a", "level": "warn", "n": 1, "deep": {"x": [1]}},
    {"message": "b", "service": "s", "timestamp": "2024-01-01T00:00:00Z"},
    {"message": "c"},
]


def record(code: str) -> dict[str, Any]:
    return {"type": "script", "mode": "record", "code": code}


def test_a_record_comes_as_a_dict_and_goes_on_as_it_is_given_back() -> None:
    left = run(
        RECORDS,
        record(
            "def process(record):\n"
            "    if record['message'] == 'b':\n"
            "        return None\n"
            "    if record['message'] == 'c':\n"
            "        return [record, {**record, 'message': 'd', 'host': 'h', 'tags': ['t'], 'level': 'fatal'}]\n"
            "    record['deep']['y'] = record['level']\n"
            "    record['timestamp'] += 1\n"
            "    record['service'] = 'own'\n"
            "    return record\n"
        ),
    )
    assert left["message"].to_list() == ["a", "c", "d"]
    assert attributes(left) == [{"n": 1, "deep": {"x": [1], "y": "WARNING"}}, {}, {}]
    assert left["service"].to_list() == ["own", "unknown", "unknown"]
    assert left["level"].to_list() == ["WARNING", "", "CRITICAL"]
    assert left["level_text"].to_list() == ["warn", "", "fatal"]
    assert left["tags"].to_list() == [[], [], ["t"]]
    assert left["host"][2] == "h"
    assert left["timestamp"].cast(pl.Int64)[0] == NOW + 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("1 / 0", "script: ZeroDivisionError: division by zero", id="it raises"),
        pytest.param("return 5", "script: gave back int, not a record", id="no record"),
        pytest.param("return {1: 2}", "script: gave back dict, not a record", id="a dict of something else"),
        pytest.param("return {'tags': 5}", "script: tags are no list", id="tags"),
        pytest.param("return {'timestamp': 'now'}", "script: timestamp is no number of nanoseconds", id="time"),
        pytest.param("return {'x': object()}", "script: Encoding objects of type object is unsupported", id="no JSON"),
    ],
)
def test_a_mistake_costs_no_neighbour(code: str, reason: str) -> None:
    telemetry = Telemetry()
    text = f"def process(record):\n    if record['message'] == 'b':\n        {code}\n    return record\n"
    left = Chain.of([record(text)], telemetry).apply(framed(*RECORDS), NOW)
    assert isinstance(left, pl.DataFrame)
    assert left.drop("attributes").equals(framed(*RECORDS).drop("attributes"))
    assert attributes(left) == [{"n": 1, "deep": {"x": [1]}}, {"processing_error": reason}, {}]
    assert telemetry.value("logyard_processing_failed_total", step="script") == 1


def test_a_frame_comes_as_a_frame(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import polars as pl\n\n"
        "def process(frame):\n"
        "    return frame.filter(pl.col('message') != 'b').with_columns(pl.col('message').str.to_uppercase())\n"
    )
    assert run(RECORDS, {"type": "script", "file": str(file)})["message"].to_list() == ["A", "C"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("return 5", "gave back int, not a frame", id="no frame"),
        pytest.param("return frame.drop('level')", "without level", id="a column is missing"),
        pytest.param("return frame.with_columns(message=pl.lit(None))", "nulls", id="nulls"),
        pytest.param("return frame.with_columns(severity=pl.lit('x'))", "conversion", id="another type"),
        pytest.param("raise KeyError('x')", "KeyError: 'x'", id="it raises"),
    ],
)
def test_a_frame_that_fails_marks_only_the_records_at_fault(code: str, reason: str) -> None:
    text = (
        "import polars as pl\n\n"
        "def process(frame):\n"
        "    if (frame['message'] == 'b').any():\n"
        f"        {code}\n"
        "    return frame.with_columns(host=pl.lit('h'))\n"
    )
    left = run(RECORDS, {"type": "script", "code": text})
    assert left["host"].to_list() == ["h", "", "h"]
    wrong = [each.get("processing_error", "") for each in attributes(left)]
    assert reason in wrong[1]
    assert (wrong[0], wrong[2]) == ("", "")


def test_a_script_that_fails_on_everything_is_not_tried_for_ever() -> None:
    many = framed(*({"message": str(number)} for number in range(5000)))
    calls: list[int] = []

    def failing(frame: pl.DataFrame) -> pl.DataFrame:
        calls.append(frame.height)
        raise ValueError("never")

    left = Chain([failing]).apply(many, NOW)
    assert isinstance(left, pl.DataFrame)
    assert left["message"].to_list() == many["message"].to_list()
    assert all("processing_error" in each for each in attributes(left))
    assert len(calls) < 500


def test_a_condition_keeps_the_order_whatever_a_step_does() -> None:
    many = framed(*({"message": str(number), "odd": number % 2} for number in range(10)))
    step = record("def process(record):\n    return [record, record] if record['message'] != '3' else None\n")
    left = Chain.of([{**step, "when": "odd:1"}]).apply(many, NOW)
    assert isinstance(left, pl.DataFrame)
    assert left.schema == FRAME
    assert "".join(left["message"]) == "01124556778 9".replace(" ", "9")
