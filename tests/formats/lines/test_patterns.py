"""Every pattern file: its samples come out as it says, and are found out by themselves."""

import json
import tomllib
from typing import Any

import polars as pl
import pytest

from logyard.errors import BadConfig
from logyard.formats.lines.catalog import automatic, line_format, line_format_names
from logyard.formats.lines.detect import Detector
from logyard.formats.lines.pattern import Pattern, PatternFile, Sample, load_pattern, pattern_names
from logyard.model import timestamp
from logyard.model.civil.customs import Customs
from logyard.model.schema import FRAME

NOW = 1_764_000_000_000_000_000
"""2025-11-24: what year-less times of the samples are completed from."""


SAMPLES = [
    pytest.param(name, sample, id=f"{name}-{number}")
    for name in pattern_names()
    for number, sample in enumerate(load_pattern(name).samples)
]


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_sample_comes_out_as_its_file_says(name: str, sample: Sample) -> None:
    decoded = load_pattern(name).decode(pl.Series([sample.line]), Customs(now=NOW))
    assert decoded.fits.to_list() == [True]
    assert decoded.frame.schema == FRAME
    row = decoded.frame.with_columns(pl.col("timestamp").cast(pl.Int64)).row(0, named=True)
    untimed = ",timestamp=," in row["origin"]
    assert ("" if untimed else timestamp.format_ns(row["timestamp"])) == sample.timestamp
    assert (row["level"], row["severity"]) == (sample.level, sample.severity)
    assert row["message"] == (sample.line if sample.message is None else sample.message)
    assert (row["service"], row["host"]) == (sample.service, sample.host)
    assert json.loads(row["attributes"]) == sample.fields


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_sample_is_found_out(name: str, sample: Sample) -> None:
    detector = Detector()
    detector.decode(pl.Series([sample.line] * 3), NOW)
    assert detector.known[:1] == [name]


@pytest.mark.parametrize("name", pattern_names())
def test_every_pattern_file_has_a_sample_and_a_summary(name: str) -> None:
    pattern = load_pattern(name)
    assert pattern.samples
    assert pattern.summary


def test_all_formats_are_in_the_catalog() -> None:
    assert {"json_log", "logfmt", "w3c", *pattern_names()} == set(line_format_names())
    assert "auto" not in automatic()
    ranks = [form.rank for form in automatic().values()]
    assert ranks == sorted(ranks, reverse=True)


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadConfig, match="nginx_error"):
        line_format("apache_eror")


def test_an_expression_may_say_what_it_drops_and_what_it_keeps_as_text() -> None:
    file = tomllib.loads("""
        summary = "x"
        rank = 1
        nothing = ["none"]
        regex = ['^(?P<count>[^ ]+) (?P<name>.*)$']
        [types]
        count = "int"
    """)
    pattern = Pattern("x", PatternFile(**{**file, "regex": tuple(file["regex"]), "nothing": tuple(file["nothing"])}))
    frame = pattern.decode(pl.Series(["12 none", "many more"]), Customs(now=NOW)).frame
    assert frame["attributes"].to_list() == ['{"count":12}', '{"count":"many","name":"more"}']


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"regex": ("%{NOPE:x}",)}, "NOPE", id="a pattern that is not in the library"),
        pytest.param({"regex": ("(?=x)",)}, "cannot read", id="look-around"),
        pytest.param({"types": {"x": "integer"}}, "integer", id="a kind that there is not"),
    ],
)
def test_a_bad_file_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        Pattern("x", PatternFile(**{"summary": "x", "rank": 1, "regex": ("(?P<x>.)",), **change}))
