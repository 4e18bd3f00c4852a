"""What is remembered of the shapes of lines is not said of lines that only look alike."""

import json

import polars as pl

from logyard.formats.lines.detect import Detector

NOW = 1_767_225_600_000_000_000


def test_a_word_that_is_a_level_is_no_word_like_any_other() -> None:
    """Shapes are remembered for all sources of the process: the first line fits no format, the second does."""
    assert Detector().decode(pl.Series(["Dear: no luck"]), NOW)["level"].to_list() == [""]
    assert Detector().decode(pl.Series(["ERROR: no luck"]), NOW)["level"].to_list() == ["ERROR"]


def test_names_of_fields_that_a_header_gives_are_quoted() -> None:
    lines = ['#Fields: date time a"b c\x01d cs-method', "2026-01-10 11:55:36 1 2 GET"]
    attributes = Detector().decode(pl.Series(lines), NOW)["attributes"]
    assert json.loads(attributes[1]).keys() >= {"ab", "c\x01d", "method"}
