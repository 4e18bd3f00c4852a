"""The steps that read messages: parse and join_lines."""

import json

import polars as pl
import pytest

from logyard.errors import BadConfig
from logyard.formats.lines.assemble import plain
from logyard.formats.multiline.rules import JoinRules
from logyard.model import timestamp
from logyard.model.civil.customs import Customs
from logyard.model.schema import FRAME
from logyard.pipeline.steps import parse
from logyard.pipeline.steps.join_lines import JoinLines
from logyard.pipeline.steps.parse import Parse, ParseConfig

NOW = timestamp.parse("2024-05-06T12:00:00Z") or 0
ACCESS = '198.51.100.7 - - [06/May/2024:07:08:09 +0200] "GET /x HTTP/1.1" 404 512'


def frame(*rows: tuple[str, str]) -> pl.DataFrame:
    """Records of (source, message) as a receiver of lines makes them."""
    made = plain(pl.Series([message for _, message in rows]), Customs(now=NOW))
    return made.with_columns(source=pl.Series([source for source, _ in rows]), host=pl.lit("web-7"))


def test_each_source_is_parsed_by_its_own_format_and_the_order_stays() -> None:
    parsed = Parse(ParseConfig())(
        frame(("a", ACCESS), ("b", "ERROR: no luck"), ("a", ACCESS), ("b", '{"level":"info","msg":"m"}'))
    )
    assert parsed.schema == FRAME
    assert parsed["source"].to_list() == ["a", "b", "a", "b"]
    assert parsed["level"].to_list() == ["", "ERROR", "", "INFO"]
    assert parsed["host"].unique().to_list() == ["web-7"]
    assert json.loads(parsed["attributes"][2])["status"] == 404
    assert parsed["timestamp"][0].isoformat() == "2024-05-06T05:08:09+00:00"
    assert parsed["timestamp"][1].isoformat() == "2024-05-06T12:00:00+00:00"


def test_what_a_record_has_already_stays() -> None:
    known = frame(("a", "2020-01-01 00:00:00 ERROR x")).with_columns(
        level=pl.lit("INFO"), origin=pl.lit(""), service=pl.lit("shop"), attributes=pl.lit('{"a":1}')
    )
    row = Parse(ParseConfig())(known).row(0, named=True)
    assert (row["level"], row["service"], row["timestamp"].year, row["attributes"]) == ("INFO", "shop", 2024, '{"a":1}')
    assert row["message"] == "x"


def test_times_are_completed_by_the_settings() -> None:
    step = Parse(ParseConfig(zone="-02:00", date_order="DMY"))
    parsed = step(frame(("a", "04/05/2024 07:08:09 INFO x"), ("a", "May  6 07:08:09 gate su: x")))
    assert [when.isoformat() for when in parsed["timestamp"]] == [
        "2024-05-04T09:08:09+00:00",
        "2024-05-06T09:08:09+00:00",
    ]


def test_a_demanded_format_marks_what_does_not_fit() -> None:
    parsed = Parse(ParseConfig(format="common_access"))(frame(("a", ACCESS), ("a", "else")))
    assert "processing_error" not in parsed["attributes"][0]
    assert json.loads(parsed["attributes"][1]) == {"processing_error": "is not in the format common_access"}


@pytest.mark.parametrize("config", [ParseConfig(format="nope"), ParseConfig(zone="Mars/Olympus")])
def test_a_bad_setting_is_refused(config: ParseConfig) -> None:
    with pytest.raises(BadConfig):
        Parse(config)


def test_expressions_of_ones_own_are_understood() -> None:
    step = Parse(ParseConfig(grok=("^%{WORD:service} %{INT:took:int}ms %{GREEDYDATA:message}$",), types={"took": "ms"}))
    row = step(frame(("a", "shop 12ms sold"))).row(0, named=True)
    assert (row["service"], row["message"], row["attributes"]) == ("shop", "sold", '{"took":12000000}')
    with pytest.raises(BadConfig, match="NOPE"):
        Parse(ParseConfig(grok=("%{NOPE}",)))


def test_many_sources_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Parse(ParseConfig())
    monkeypatch.setattr(parse, "_SOURCES", 10)
    step(frame(*[(str(source), "x") for source in range(30)]))
    assert len(step._detectors) == 10


def test_lines_of_one_source_are_joined_and_others_are_not() -> None:
    rows = [("a", "Error: x"), ("b", "one"), ("a", "    at f (x.js:1:1)"), ("b", "two"), ("a", "next")]
    joined = JoinLines(JoinRules(preset="javascript"))(frame(*rows))
    assert joined.schema == FRAME
    assert joined.select("source", "message").rows() == [
        ("a", "Error: x\n    at f (x.js:1:1)"), ("b", "one"), ("b", "two"), ("a", "next"),
    ]  # fmt: skip


def test_lines_of_a_single_source_are_joined() -> None:
    joined = JoinLines(JoinRules(preset="java"))(frame(("a", "x"), ("a", "\tat a.B.c(D.java:1)"), ("a", "y")))
    assert joined["message"].to_list() == ["x\n\tat a.B.c(D.java:1)", "y"]
    assert joined.schema == FRAME
    assert JoinLines(JoinRules(preset="java"))(joined.clear()).height == 0
