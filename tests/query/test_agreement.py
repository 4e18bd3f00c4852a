"""A filter gives the same answer in the engine and in memory, in both dialects."""

import random
from collections.abc import Callable

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from logyard.formats.json.frame import frame
from logyard.language.ast import Filter, Not
from logyard.language.entry import parse_filter
from logyard.language.filters.comparison import Comparison
from logyard.language.filters.exact import Exact
from logyard.language.filters.in_ import In
from logyard.language.filters.phrase import Phrase
from logyard.language.view import View
from logyard.model.batch import Encoded
from logyard.model.dialect import Dialect
from logyard.ports import Statement, Store
from logyard.query.expressions import conjunction
from logyard.query.plan import Scope, base_stage
from logyard.query.sql import conditions
from logyard.testing.queries import Vocabulary, filters
from logyard.types import Nanoseconds

TENANT = "agreement"
NOW = 1_741_950_000_000_000_000
WORDS = (
    "error", "Error", "errors", "reset", "peer", "user_1", "42", "-0.5", "1.5e3", "10KiB", "1m30s", "10.0.0.7", "zoë",
    "(", "*", '"', "\\", "a-b", "x=y", "|", "'", "{a:b}", "?", "“error”", "日本語", "_", "a_b", "\n",
    "true", "null", "[1]", "0x1F",
)  # fmt: skip
FIELDS = (
    "", "level", "lvl", "severity", "service", "app", "host", "user.name", "http.status", "odd name", "or",
    "trace_id", "tags",
    "_msg", "message", "user", "a.b.c", "list", "msg",
)  # fmt: skip
VALUES = [
    "warn",
    "WARNING",
    "42",
    42,
    1.5,
    -3,
    True,
    False,
    None,
    "true",
    "null",
    "",
    [1, "a"],
    ["x"],
    {"b": {"c": "deep"}},
]
KNOWN = Vocabulary(fields=FIELDS, words=WORDS, now=NOW)


def record(seed: random.Random) -> dict[str, object]:
    def text() -> str:
        return seed.choice((" ", "", "-", "_")).join(seed.choices(WORDS, k=seed.randint(0, 3)))

    made: dict[str, object] = {"timestamp": f"2025-03-14T{seed.randint(0, 23):02}:20:30.5Z"}
    for key in (
        "message",
        "msg",
        "level",
        "lvl",
        "severity",
        "service",
        "app",
        "host",
        "odd name",
        "or",
        "trace_id",
        "a",
        "list",
    ):
        if seed.random() < 0.4:
            made[key] = seed.choice(VALUES) if seed.random() < 0.5 else text()
    if seed.random() < 0.7:
        made["user"] = {"name": text()}
    if seed.random() < 0.7:
        made["http"] = {"status": seed.choice(VALUES)}
    return made


@pytest.fixture(scope="module")
def rows(keep: Callable[[str, pl.DataFrame], None]) -> pl.DataFrame:
    seed = random.Random(7)
    lines = [msgspec.json.encode(record(seed)) for _ in range(300)]
    held = frame(Encoded(lines=b"\n".join(lines), rows=len(lines)), Nanoseconds(NOW))
    keep(TENANT, held)
    return held


def by_engine(store: Store, filter_: Filter, dialect: Dialect, *, nested: bool = False) -> list[int]:
    stage = base_stage(Scope(dialect=dialect, tenant=TENANT))
    stage = stage.nested() if nested else stage
    sql = f"SELECT id FROM {stage.source}{conjunction((*stage.where, *conditions(filter_, stage)))} ORDER BY id"
    found = store.query(Statement(sql=sql))
    first = store.query(Statement(sql=f"SELECT min(id) FROM logs WHERE tenant = '{TENANT}'")).item()
    return [number - first for number in found["id"]] if found.height else []


def in_memory(rows: pl.DataFrame, filter_: Filter, dialect: Dialect) -> list[int]:
    found = filter_.match(View.of_frame(rows, dialect=dialect))
    return [index for index, here in enumerate(found) if here]


@given(filter_=filters(KNOWN, without=frozenset({"value_type", "stream_id"})), dialect=st.sampled_from(Dialect))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(filter_=Phrase("", "error"), dialect=Dialect.NATIVE)
@example(filter_=Phrase("", "user_1"), dialect=Dialect.NATIVE)
@example(filter_=Phrase("", "_"), dialect=Dialect.NATIVE)
@example(filter_=Phrase("", "error reset"), dialect=Dialect.VICTORIA)
@example(filter_=Exact("http.status", "42"), dialect=Dialect.NATIVE)
@example(filter_=Exact("http.status", "null"), dialect=Dialect.NATIVE)
@example(filter_=Exact("http.status", "true"), dialect=Dialect.VICTORIA)
@example(filter_=In("list", ('[1,"a"]', "x", "")), dialect=Dialect.NATIVE)
@example(filter_=Not(Comparison("http.status", ">", "1")), dialect=Dialect.NATIVE)
@example(filter_=Exact("level", "warn"), dialect=Dialect.VICTORIA)
@example(filter_=Exact("lvl", "warn"), dialect=Dialect.VICTORIA)
def test_engine_and_memory_agree(store: Store, rows: pl.DataFrame, filter_: Filter, dialect: Dialect) -> None:
    assert by_engine(store, filter_, dialect) == in_memory(rows, filter_, dialect), str(filter_)


@pytest.mark.parametrize("query", ["error", "user.name:=error", "host:*", 'lvl:""', "contains_any(error, 42)"])
def test_a_sub_select_answers_like_the_table(store: Store, rows: pl.DataFrame, query: str) -> None:
    filter_ = parse_filter(query, now=NOW)
    on_table = by_engine(store, filter_, Dialect.NATIVE)
    assert (
        on_table == by_engine(store, filter_, Dialect.NATIVE, nested=True) == in_memory(rows, filter_, Dialect.NATIVE)
    )
    assert on_table
