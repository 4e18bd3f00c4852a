"""What is remembered of the shapes of lines is not said of lines that only look alike."""

import polars as pl

from logyard.formats.lines.detect import Detector

NOW = 1_767_225_600_000_000_000


def test_a_word_that_is_a_level_is_no_word_like_any_other() -> None:
    """Shapes are remembered for all sources of the process: the first line fits no format, the second does."""
    assert Detector().decode(pl.Series(["Dear: no luck"]), NOW)["level"].to_list() == [""]
    assert Detector().decode(pl.Series(["ERROR: no luck"]), NOW)["level"].to_list() == ["ERROR"]
