"""The engine and Python read, order, quote and print values alike."""

import math
import random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logyard.language.numbers import parse_number
from logyard.ports import Statement, Store
from logyard.query import expressions, values
from logyard.query.buckets import Bucket
from logyard.query.stage import Cell

NUMBERS = [
    "1", "-2.5", "+5", ".5", "5.", "inf", "-Inf", "+inf", "0x1F", "-0xff", "0b101", "0o17", "1h30m", "1.5s",
    "-5ms", "10MiB", "1.5K", "3B", "2025-03-14T10:00:00Z", "007", "1e3", "1_000", "1e400", "500\N{MICRO SIGN}s",
    "2025-03-14T10:00:00.123456789+02:00", "2025-03-14", "1.2.3.4", "1.2.3.400", "010.1.1.1", "abc",
    "12345678901234567890", "18440000000000000000", "NaN", "-", "+-1", "0.30000000000000004", "1.2.3", "0x",
    "9999999y", "2025-02-30T10:00:00Z", "1T", "5m", "2025-13-01T00:00:00Z", "2025-03-14T10:00", "infinity",
    "1e", "1d2h", "a1", "-0", "", "1" * 70,
    " 1", "1 ", "2025-03-14 10:00:00",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
QUERIES = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask(store: Store, expression: str, texts: list[str]) -> list[object]:
    """The expression of ``v`` for each of the texts."""
    listed = expressions.array(texts)
    numbered = f"SELECT arrayJoin(arrayZip({listed}, arrayEnumerate({listed}))) AS p, p.1 AS v"
    sql = f"SELECT {expression} AS found FROM ({numbered}) ORDER BY p.2"
    return list(store.query(Statement(sql=sql))["found"])


def test_texts_read_as_the_same_numbers(store: Store) -> None:
    assert ask(store, expressions.number("v"), NUMBERS) == [parse_number(text) for text in NUMBERS]


@given(
    st.lists(
        st.from_regex(r"[-+]?[0-9._]{1,6}(e-?[0-9]|[a-zA-Z]{1,3}[0-9]{0,3}[a-z]{0,2})?", fullmatch=True), min_size=1
    )
)
@QUERIES
def test_any_texts_read_as_the_same_numbers(store: Store, texts: list[str]) -> None:
    assert ask(store, expressions.number("v"), texts) == [parse_number(text) for text in texts]


@given(st.lists(st.floats(), min_size=1))
@QUERIES
def test_numbers_are_printed_alike(store: Store, numbers: list[float]) -> None:
    texts = [repr(number) for number in numbers]
    assert ask(store, expressions.float_text("toFloat64(v)"), texts) == [
        values.float_text(number) for number in numbers
    ]


@given(st.lists(TEXTS | st.sampled_from(NUMBERS), min_size=1))
@QUERIES
def test_texts_have_the_same_order(store: Store, texts: list[str]) -> None:
    listed = expressions.array(texts)
    sql = f"SELECT v FROM (SELECT arrayJoin({listed}) AS v) ORDER BY {expressions.natural_order('v')}"
    by_engine = list(store.query(Statement(sql=sql))["v"])
    in_memory = pl.DataFrame({"v": texts}).sort(values.natural_columns("v"))["v"].to_list()
    assert by_engine == in_memory == sorted(texts, key=values.order)


@given(TEXTS)
@QUERIES
def test_any_text_is_a_literal(store: Store, text: str) -> None:
    found = store.query(
        Statement(sql=f"SELECT {expressions.literal(text)} AS a, hex({expressions.literal(text)}) AS b")
    )
    assert found["b"].item() == text.encode().hex().upper()


@pytest.mark.parametrize(
    "text",
    ["'", "\\", "\\'", "'; DROP TABLE logs; --", "\0", "{a:String}", "?", "%s", "\n\r\t\b", "$$a$$", "—", "\ue000"],
)
def test_hard_texts_are_literals(store: Store, text: str) -> None:
    assert store.query(Statement(sql=f"SELECT {expressions.literal(text)} AS a"))["a"].item() == text


def test_names_are_ordered_by_the_numbers_in_them() -> None:
    names = ["v10", "v9", "", "10", "9", "1.10.0", "1.2.3", "a"]
    assert sorted(names, key=values.order) == ["", "9", "10", "1.2.3", "1.10.0", "a", "v9", "v10"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (-2.5, "-2.5"),
        (5.0, "5"),
        (-0.0, "0"),
        (math.inf, "+Inf"),
        (math.nan, "NaN"),
    ],
)
def test_a_number_is_printed_without_exponent(number: float, text: str) -> None:
    assert values.float_text(number) == text


@pytest.mark.parametrize(
    "bucket",
    [
        Bucket("x", "5"), Bucket("x", "0.25"), Bucket("x", "1KiB"), Bucket("x", "100", "30"), Bucket("x", "/12"),
        Bucket("x", "/0"), Bucket("x", "/32"),
    ],
    ids=str,
)  # fmt: skip
def test_values_fall_into_the_same_buckets(store: Store, bucket: Bucket) -> None:
    texts = [
        "0",
        "7",
        "-7",
        "1023",
        "1024",
        "12.5",
        "007",
        "abc",
        "",
        "10.1.2.3",
        "192.168.0.1",
        "1.2.3.400",
        "1e3",
        "0xff",
    ]
    assert ask(store, bucket.key(Cell("v")), texts) == [bucket.value(text) for text in texts]


@pytest.mark.parametrize("size", ["1ns", "7s", "5m", "1h", "day", "week", "month", "year", "13h"])
@pytest.mark.parametrize("offset", ["", "30m", "-5h30m"])
def test_times_fall_into_the_same_buckets(store: Store, size: str, offset: str) -> None:
    bucket, seed = Bucket("_time", size, offset), random.Random(1)
    instants = [seed.randint(0, 4_000_000_000_000_000_000) for _ in range(20)]
    texts = [str(instant) for instant in instants]
    instant = "fromUnixTimestamp64Nano(toInt64(v), 'UTC')"
    shown = bucket.cell(Cell("", instant=instant), bucket.key(Cell("", instant=instant))).text
    times = ask(store, expressions.instant_text(instant), texts)
    assert ask(store, shown, texts) == [bucket.value(str(time)) for time in times]
