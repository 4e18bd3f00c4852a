"""Filters: what they say as text, and that memory, engine and live stream agree."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.client import Client
from logyard.clock import SystemClock
from logyard.errors import BadInput, BadQuery
from logyard.feed import (
    CompositeFilter,
    KeywordFilter,
    LevelFilter,
    LogEntry,
    LogFilter,
    LogLevel,
    MemoryStorage,
    QueryFilter,
    ServiceFilter,
    TimeRangeFilter,
    YardStorage,
)
from logyard.feed.block import Writer, encoded
from logyard.feed.entry import NewLog
from logyard.language.entry import parse_filter
from logyard.model.ids import LogIds, SnowflakeIds
from logyard.testing.server import Server

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_numbers = itertools.count()


def entry(**more: object) -> LogEntry:
    plain = {"id": "1-1-1", "timestamp": START, "level": LogLevel.INFO, "service_name": "shop", "message": "m"}
    return LogEntry(**{**plain, **more})  # type: ignore[arg-type] # facts name the fields


@pytest.mark.parametrize(
    ("made", "text"),
    [
        pytest.param(lambda: LevelFilter(LogLevel.ERROR, "critical"), "level:in(ERROR,CRITICAL)", id="levels"),
        pytest.param(lambda: LevelFilter("info"), 'level:in(INFO,"")', id="no level counts as INFO"),
        pytest.param(lambda: LevelFilter("debug"), "level:in(DEBUG,TRACE)", id="TRACE counts as DEBUG"),
        pytest.param(lambda: LevelFilter.at_least("error"), "level:in(ERROR,CRITICAL)", id="at least"),
        pytest.param(lambda: ServiceFilter("a b", ""), 'service:in("a b",unknown)', id="services"),
        pytest.param(lambda: KeywordFilter("a.b"), r'~"(?i)a\\.b"', id="keyword"),
        pytest.param(lambda: KeywordFilter(""), "*", id="no keyword"),
        pytest.param(CompositeFilter, "*", id="nothing"),
        pytest.param(TimeRangeFilter, "*", id="any time"),
        pytest.param(
            lambda: CompositeFilter(ServiceFilter("a"), ~(ServiceFilter("b") | LevelFilter("error"))),
            "service:in(a) !(service:in(b) or level:in(ERROR))",
            id="composed",
        ),
        pytest.param(lambda: QueryFilter("level:warn a or b"), "level:=WARNING a or b", id="a query"),
    ],
)
def test_a_filter_is_text_of_the_query_language(made: Callable[[], LogFilter], text: str) -> None:
    assert str(made()) == text
    assert parse_filter(str(made()), now=0) == made().node


@pytest.mark.parametrize(
    ("wanted", "given_", "want"),
    [
        pytest.param(LevelFilter("error"), entry(level=LogLevel.ERROR), True, id="level"),
        pytest.param(LevelFilter("error"), entry(), False, id="other level"),
        pytest.param(ServiceFilter("shop"), entry(), True, id="service"),
        pytest.param(ServiceFilter("Shop"), entry(), False, id="a service's case counts"),
        pytest.param(KeywordFilter("FAIL"), entry(message="it failed"), True, id="keyword inside a word"),
        pytest.param(KeywordFilter("f.*d"), entry(message="failed"), False, id="a keyword is no pattern"),
        pytest.param(TimeRangeFilter(START), entry(), True, id="the start is inside"),
        pytest.param(TimeRangeFilter(None, START), entry(), False, id="the end is outside"),
        pytest.param(
            TimeRangeFilter(START.astimezone(timezone(timedelta(hours=5, minutes=30)))), entry(), True, id="zones"
        ),
        pytest.param(LevelFilter("error") & ServiceFilter("shop"), entry(), False, id="and"),
        pytest.param(LevelFilter("error") | ServiceFilter("shop"), entry(), True, id="or"),
        pytest.param(~LevelFilter("error"), entry(), True, id="not"),
        pytest.param(QueryFilter("metadata.user.id:=7"), entry(metadata={"user": {"id": 7}}), True, id="metadata"),
        pytest.param(QueryFilter("source_ip:=10.0.0.1"), entry(source_ip="10.0.0.1"), True, id="address"),
    ],
)
def test_in_memory(wanted: LogFilter, given_: LogEntry, want: bool) -> None:  # noqa: FBT001 - a fact's answer
    assert wanted.matches(given_) is want


def test_select_keeps_the_order() -> None:
    entries = [entry(id=f"{n}-1-0", service_name=f"s{n % 2}") for n in range(6)]
    assert [each.id for each in ServiceFilter("s1").select(entries)] == ["1-1-0", "3-1-0", "5-1-0"]
    assert ServiceFilter("s1").select([]) == []


def test_equal_filters_are_equal() -> None:
    assert ServiceFilter("a") & LevelFilter("error") == CompositeFilter(ServiceFilter("a"), LevelFilter("error"))
    assert len({ServiceFilter("a"), ServiceFilter("a"), ServiceFilter("b")}) == 2


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="no time zone"):
        TimeRangeFilter(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("text", ["a | limit 1", "(", "level:in("])
def test_a_query_that_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(BadQuery):
        QueryFilter(text)


# ------------------------------------------------------------------------------------------------ agreement

WORDS = st.sampled_from(["disk", "Disk", "full", "a.b", "a b", "(x)", "50%", "é", "\\", '"', "\n", "$1", "[", "*", "|"])
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)
SERVICES = st.sampled_from(["shop", "Shop", "user service", "a:b", ""])
TIMES = st.integers(-3, 3).map(lambda n: START + timedelta(seconds=n, microseconds=n))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), TEXTS)
METADATA = st.dictionaries(
    st.sampled_from(["user", "n", "ok"]), VALUES | st.dictionaries(st.just("id"), VALUES), max_size=3
)


@st.composite
def new_logs(draw: st.DrawFn) -> NewLog:
    return NewLog(
        level=draw(st.sampled_from(list(LogLevel))),
        message=draw(TEXTS),
        service_name=draw(SERVICES),
        timestamp=draw(TIMES),
        metadata=draw(METADATA),
        source_ip=draw(st.sampled_from(["", "10.0.0.1"])),
        correlation_id=draw(st.sampled_from(["", "c-1"])),
    )


LEAVES = st.one_of(
    st.lists(st.sampled_from(list(LogLevel)), max_size=3).map(lambda levels: LevelFilter(*levels)),
    st.lists(SERVICES, max_size=2).map(lambda names: ServiceFilter(*names)),
    TEXTS.map(KeywordFilter),
    st.tuples(st.none() | TIMES, st.none() | TIMES).map(lambda span: TimeRangeFilter(*span)),
    st.sampled_from(["disk", "metadata.user.id:=1", "metadata.n:>0", "correlation_id:=c-1", "source_ip:*"]).map(
        QueryFilter
    ),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
        inner.map(lambda one: ~one),
        st.lists(inner, max_size=3).map(CompositeFilter.of),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def writer(ids: LogIds) -> Writer:
    return Writer(ids, SystemClock())


@settings(max_examples=int(os.environ.get("FEED_EXAMPLES", "15")))
@given(logs=st.lists(new_logs(), min_size=1, max_size=6), asked=st.lists(FILTERS, min_size=1, max_size=6))
def test_the_same_in_memory_and_in_the_engine(
    embedded: YardStorage, ids: LogIds, writer: Writer, logs: list[NewLog], asked: list[LogFilter]
) -> None:
    mark = f"run-{next(_numbers)}"
    marked = [NewLog(**{**_fields(log), "metadata": {**log.metadata, "mark": mark}}) for log in logs]  # type: ignore[arg-type] # its own fields
    memory = MemoryStorage(ids)
    block = writer.block(encoded(marked), writer.arrival())
    memory.write([block])
    embedded.write([block], fresh=True)
    mine = QueryFilter(f"metadata.mark:={mark}")
    everything = [each.entry for each in memory.find(mine, limit=100).timed]
    for wanted in asked:
        in_memory = memory.find(mine & wanted, limit=100)
        in_engine = embedded.find(mine & wanted, limit=100)
        assert in_engine == in_memory, str(wanted)
        assert wanted.select(everything) == [each.entry for each in in_memory.timed]


def _fields(log: NewLog) -> dict[str, object]:
    return {name: getattr(log, name) for name in log.__struct_fields__}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("live")
    with Server(directory / "data") as found:
        yield found


def test_the_same_on_the_live_stream(server: Server) -> None:
    wanted = LevelFilter.at_least("error") & ServiceFilter("shop") & ~KeywordFilter("test")
    seen: list[str] = []
    done = threading.Event()

    def follow() -> None:
        with Client(server.url) as logs:
            for event in logs.tail(str(wanted), history=1):
                assert isinstance(event, dict)
                seen.append(str(event["message"]))
                if event["message"] == "last":
                    done.set()
                    return

    follower = threading.Thread(target=follow, daemon=True)
    storage = YardStorage(Client(server.url), SnowflakeIds(9, SystemClock()))
    writer = Writer(SnowflakeIds(9, SystemClock()), SystemClock())

    def feed(*logs: NewLog) -> None:
        storage.write([writer.block(encoded(logs), writer.arrival())])

    def log(message: str, level: LogLevel = LogLevel.ERROR, service: str = "shop") -> NewLog:
        return NewLog(level=level, message=message, service_name=service)

    feed(log("first"))
    follower.start()
    while not seen:
        done.wait(0.02)
    feed(
        log("a test"), log("no error", LogLevel.INFO), log("elsewhere", service="other"), log("real", LogLevel.CRITICAL)
    )
    feed(log("last"))
    assert done.wait(180)
    assert seen == ["first", "real", "last"]
    storage.close()
