import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.model import severity
from logyard.model.severity import NO_LEVEL, Level


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("info", Level("INFO", 9), id="lower case"),
        pytest.param("  Warn\t", Level("WARNING", 13), id="blanks around"),
        pytest.param("E", Level("ERROR", 17), id="klog letter"),
        pytest.param("notice", Level("INFO", 10), id="notice is a finer info"),
        pytest.param("ALERT", Level("CRITICAL", 22), id="alert is a finer critical"),
        pytest.param("emerg", Level("CRITICAL", 24), id="emergency is the highest"),
        pytest.param("eror", Level("ERROR", 17), id="misspelt"),
        pytest.param("dpanic", Level("ERROR", 19), id="zap dpanic is an error"),
        pytest.param("30", Level("INFO", 9), id="pino 30"),
        pytest.param("20", Level("DEBUG", 5), id="pino wins over OpenTelemetry"),
        pytest.param("3", Level("ERROR", 17), id="syslog wins over OpenTelemetry"),
        pytest.param("0", Level("CRITICAL", 24), id="syslog emergency"),
        pytest.param("17", Level("ERROR", 17), id="OpenTelemetry number"),
        pytest.param("550", Level("CRITICAL", 22), id="Monolog alert"),
        pytest.param("", NO_LEVEL, id="empty"),
        pytest.param("loud", NO_LEVEL, id="unknown word"),
        pytest.param("99", NO_LEVEL, id="unknown number"),
        pytest.param("o\u212a", NO_LEVEL, id="only ASCII has a case"),
    ],
)
def test_a_word_means_a_level(text: str, want: Level) -> None:
    assert severity.parse(text) == want


def test_levels_stand_for_themselves_and_rise() -> None:
    assert {name: severity.parse(name).severity for name in severity.LEVELS} == dict(severity.LEVELS)
    assert list(severity.LEVELS.values()) == sorted(severity.LEVELS.values())


def test_the_table_is_lower_case_and_names_only_levels() -> None:
    assert all(word == word.lower().strip() for word in severity.TABLE)
    assert {level.name for level in severity.TABLE.values()} == set(severity.LEVELS)
    assert all(severity.LEVELS[name] <= number < severity.LEVELS[name] + 4 for name, number in severity.TABLE.values())


@given(st.lists(st.sampled_from([*severity.TABLE, " INFO ", "x", "", "o\u212a"])))
def test_a_column_reads_like_its_words(words: list[str]) -> None:
    frame = severity.canonical(pl.Series(words, dtype=pl.String))
    assert [Level(*row) for row in frame.rows()] == [severity.parse(word) for word in words]
