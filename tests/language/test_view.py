"""How filters see records: rows, tables, and canonical frames in both dialects."""

import json
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from logyard.language.entry import parse_filter
from logyard.language.frame import flatten
from logyard.language.view import View
from logyard.model.dialect import Dialect
from logyard.model.schema import FRAME

EMPTY: dict[str, object] = dict.fromkeys(FRAME, "") | {"tags": [], "severity": 0}
TIME = datetime(2025, 3, 13, 22, 30, 0, 410_000, tzinfo=UTC)


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{**EMPTY, "timestamp": TIME, **row} for row in rows], schema=FRAME)


ATTRIBUTES = """
{"http": {"status": 500, "path": "/x"}, "list": [1, 2.50, {"a": null}], "ok": true, "none": null, "big": 1.50}
"""
RECORDS = frame(
    {
        "level": "WARNING",
        "severity": 13,
        "level_text": "warn",
        "service": "api",
        "message": "slow answer",
        "stream": '{service="api"}',
        "tags": ["a", 'b"c'],
        "origin": ",level=lvl,message=msg,",
        "attributes": ATTRIBUTES,
    },
    {
        "level": "ERROR",
        "service": "unknown",
        "message": "bad",
        "origin": ",service=,",
        "attributes": '{"msg":"inner"}',
    },
    {},
)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        pytest.param("", ["slow answer", "bad", ""], id="the message"),
        pytest.param("_msg", ["slow answer", "bad", ""], id="the message's other name"),
        pytest.param("_stream", ['{service="api"}', "", ""], id="stream"),
        pytest.param("_time", ["2025-03-13T22:30:00.41Z"] * 3, id="time"),
        pytest.param("http.status", ["500", "", ""], id="nested attribute"),
        pytest.param("list", ['[1,2.50,{"a":null}]', "", ""], id="array"),
        pytest.param("big", ["1.50", "", ""], id="a number keeps its text"),
        pytest.param("ok", ["true", "", ""], id="boolean"),
        pytest.param("none", ["", "", ""], id="null"),
        pytest.param("msg", ["slow answer", "inner", ""], id="the sender's key for the message"),
        pytest.param("tags", ['["a","b\\"c"]', "", ""], id="tags"),
        pytest.param("origin", ["", "", ""], id="what is ours alone"),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_fields_of_both_dialects(field: str, values: list[str], dialect: Dialect) -> None:
    assert View.of_frame(RECORDS, dialect=dialect).text(field).to_list() == values


@pytest.mark.parametrize(
    ("field", "native", "victoria"),
    [
        pytest.param("level", ["WARNING", "ERROR", ""], ["", "ERROR", ""], id="level"),
        pytest.param("lvl", ["WARNING", "", ""], ["warn", "", ""], id="the sender's key for the level"),
        pytest.param("service", ["api", "unknown", ""], ["api", "", ""], id="a default is not the sender's"),
        pytest.param("message", ["slow answer", "bad", ""], ["", "", ""], id="message"),
        pytest.param("timestamp", ["2025-03-13T22:30:00.41Z"] * 3, [""] * 3, id="timestamp"),
        pytest.param("severity", ["13", "", ""], ["", "", ""], id="severity"),
    ],
)
def test_fields_that_differ(field: str, native: list[str], victoria: list[str]) -> None:
    assert View.of_frame(RECORDS).text(field).to_list() == native
    assert View.of_frame(RECORDS, dialect=Dialect.VICTORIA).text(field).to_list() == victoria


def test_a_whole_second_has_no_fraction() -> None:
    assert (
        View.of_frame(frame({"timestamp": TIME.replace(microsecond=0)})).text("_time").item() == "2025-03-13T22:30:00Z"
    )


def test_a_frame_is_filtered() -> None:
    query = "level:WARNING http.status:>=500 _time:2025-03-13 slow {service=api}"
    assert parse_filter(query, now=0).match(View.of_frame(RECORDS)).to_list() == [True, False, False]


@pytest.mark.parametrize("key", ["plain", "a.b", "wei\u00df", "tab\t", '"', "x."])
def test_an_attribute_of_any_name_is_found(key: str) -> None:
    for text in (msgspec.json.encode({key: "v"}).decode(), json.dumps({key: "v"})):
        assert View.of_frame(frame({"attributes": text}, {})).text(key).to_list() == ["v", ""]


def test_names() -> None:
    assert {"message", "http.status", "msg", "ok"} < set(View.of_frame(RECORDS).names())
    assert "attributes" not in View.of_frame(RECORDS).names()
    assert View.of_rows([{"a": "1"}, {"b": "2"}]).names() == ("a", "b")


def test_rows_and_tables_are_the_same() -> None:
    rows = [{"a": "1", "_time": "2025-03-13T22:30:00Z"}, {"a": "", "_time": ""}]
    for view in (View.of_rows(rows), View.of_table(pl.DataFrame(rows))):
        assert view.height == 2
        assert view.text("a").to_list() == ["1", ""]
        assert view.text("missing").to_list() == ["", ""]
        assert view.time().to_list() == [1_741_905_000_000_000_000, None]


def test_nulls_of_a_table_are_empty() -> None:
    assert View.of_table(pl.DataFrame({"a": ["x", None]})).text("a").to_list() == ["x", ""]


def test_a_function_is_asked_once_for_each_value() -> None:
    asked: list[str] = []

    def is_x(text: str) -> bool:
        asked.append(text)
        return text == "x"

    view = View.of_rows([{"a": "x"}, {"a": "y"}, {"a": "x"}])
    assert view.per_value("a", is_x).to_list() == [True, False, True]
    assert sorted(asked) == ["x", "y"]


def test_flattening() -> None:
    assert flatten('{"a":{"b":{"c":"d"}},"a.x":1e3,"e":{},"f":[],"g":"","h":12345678901234567890123}') == {
        "a.b.c": "d", "a.x": "1e3", "f": "[]", "h": "12345678901234567890123",
    }  # fmt: skip
    assert flatten("") == {}
