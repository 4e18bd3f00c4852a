"""The service, from outside."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from logyard.errors import BadConfig, BadInput, BadPayload, Incomplete, LogyardError, NotNow
from logyard.feed import (
    KeywordFilter,
    LevelFilter,
    LogLevel,
    MemoryStorage,
    NewLog,
    ServiceFilter,
    create_log_service,
)
from logyard.model.ids import LogIds
from logyard.testing.storages import FlakyStorage
from tests.feed.conftest import servers, until

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_example_of_the_specification() -> None:
    with create_log_service(use_replication=True) as service:
        log_id = service.ingest_log(
            LogLevel.ERROR,
            "Database failed",
            "user-service",
            metadata={"attempt": 3},
            correlation_id="c-1",
            source_ip="10.0.0.1",
        )
        found = service.get_log_by_id(log_id)
        assert found is not None
        assert (found.id, found.level, found.message, found.service_name) == (
            log_id,
            LogLevel.ERROR,
            "Database failed",
            "user-service",
        )
        assert (dict(found.metadata), found.correlation_id, found.source_ip) == ({"attempt": 3}, "c-1", "10.0.0.1")


def test_getting() -> None:
    with create_log_service() as service:
        for second, (level, name) in enumerate([("INFO", "a"), ("ERROR", "a"), ("ERROR", "b")]):
            service.ingest_log(level, f"m{second}", name, timestamp=START + timedelta(seconds=second))
        assert [each.message for each in service.get_logs_by_level(LogLevel.ERROR)] == ["m2", "m1"]
        assert [each.message for each in service.get_logs_by_service("a", limit=1)] == ["m1"]
        span = (START, START + timedelta(seconds=2))
        assert [each.message for each in service.get_logs_by_time_range(*span)] == ["m1", "m0"]
        assert [each.message for each in service.query("level:error service:=b").entries] == ["m2"]
        assert service.get_log_by_id("1704110400000-1-123") is None


def test_a_batch_in_any_form() -> None:
    with create_log_service() as service:
        ids = service.ingest_batch(
            [
                NewLog(level=LogLevel.INFO, message="one", service_name="s"),
                {"level": "warn", "message": "two", "service": "s"},
                {"level": LogLevel.ERROR, "message": "three", "service_name": "s", "metadata": {"n": 3}},
            ]
        )
        found = [service.get_log_by_id(each) for each in ids]
        assert [each and each.message for each in found] == ["one", "two", "three"]
        assert [each and each.level for each in found] == [LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR]
        assert service.ingest_batch([]) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param({"level": "loud", "message": "m", "service": "s"}, "item 1: Invalid enum value", id="level"),
        pytest.param({"level": "INFO", "service": "s"}, "item 1: .*message", id="no message"),
        pytest.param({"level": "INFO", "message": "m", "service": "s", "mesage": 1}, "item 1: .*mesage", id="unknown"),
        pytest.param({"level": "INFO", "message": "\ud800", "service": "s"}, "item 1: ", id="unwritable"),
    ],
)
def test_a_bad_one_is_named_and_nothing_is_stored(bad: dict[str, object], reason: str) -> None:
    good = {"level": "INFO", "message": "m", "service": "s"}
    with create_log_service(shards=3) as service:
        with pytest.raises(BadPayload, match=reason):
            service.ingest_batch([good, bad, {**good, "service": "t"}])
        stats = service.stats()
        assert stats.total_logs == 0
        assert (stats.ingestion.logs_received, stats.ingestion.refused) == (3, 3)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda s: s.ingest_log("loud", "m", "s"), id="level"),
        pytest.param(lambda s: s.ingest_log("INFO", None, "s"), id="no message"),
        pytest.param(lambda s: s.ingest_log("INFO", "m", 5), id="no name"),
        pytest.param(lambda s: s.ingest_log("INFO", "m", "s", metadata=[1]), id="no mapping"),
        pytest.param(lambda s: s.ingest_batch([5]), id="no entry"),
        pytest.param(lambda s: s.ingest_batch({"level": "INFO"}), id="no list"),
        pytest.param(lambda s: s.ingest_log("INFO", "m", "s", timestamp=datetime(2026, 1, 1)), id="zone"),  # noqa: DTZ001 - that is the point
        pytest.param(lambda s: s.get_log_by_id("nonsense"), id="id"),
        pytest.param(lambda s: s.query(page=0), id="page"),
        pytest.param(lambda s: s.query(limit=0), id="limit"),
        pytest.param(lambda s: s.query(limit=1000, page=1000), id="depth"),
        pytest.param(lambda s: s.query("a | limit 1"), id="pipes"),
        pytest.param(lambda s: s.query(until="nonsense"), id="until"),
    ],
)
def test_what_is_refused(ask: Callable[[object], object]) -> None:
    with create_log_service() as service, pytest.raises(BadInput):
        ask(service)


def test_what_came_out_goes_in_again() -> None:
    with create_log_service() as service:
        log_id = service.ingest_log("INFO", "m", "s", metadata={"a": {"b": [1]}})
        first = service.get_log_by_id(log_id)
        assert first is not None
        again = service.get_log_by_id(service.ingest_log("INFO", "m", "s", metadata=first.metadata))
        assert again is not None
        assert again.metadata == first.metadata


def test_pages_do_not_shift_while_entries_come_in() -> None:
    with create_log_service(shards=3) as service:
        for n in range(10):
            service.ingest_log("INFO", str(n), f"s{n}")
        first = service.query(limit=4)
        seen = [each.message for each in first.entries]
        for page in (2, 3):
            service.ingest_log("INFO", "late", f"s{page}")
            found = service.query(limit=4, page=page, until=first.newest)
            assert (found.total, found.newest) == (10, first.newest)
            seen += [each.message for each in found.entries]
        assert seen == [str(n) for n in range(9, -1, -1)]


def test_statistics() -> None:
    with create_log_service(use_replication=True, mode="synchronous") as service:
        service.ingest_batch([{"level": "INFO", "message": "m", "service": "a"}] * 3)
        service.ingest_log("ERROR", "m", "b")
        assert service.settle(60)
        stats = service.stats()
        assert stats.total_logs == 4
        assert (stats.by_level[LogLevel.INFO], stats.by_level[LogLevel.ERROR]) == (3, 1)
        assert stats.by_service == {"a": 3, "b": 1}
        done = stats.ingestion
        assert (done.logs_received, done.logs_processed, done.errors) == (4, 4, 0)
        assert 0 < done.p50 <= done.p95 <= done.p99
        assert [node.writes for node in stats.shards[0]] == [True, False, False]
        assert (stats.lag_entries, stats.lag_seconds) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [("snowflake", r"\d{13}-1-\d+"), ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-.*"), ("sequential", "1")],
)
def test_kinds_of_ids(kind: str, pattern: str, tmp_path: Path) -> None:
    for storage in ("memory", tmp_path / kind):
        with create_log_service(storage, ids=kind) as service:  # type: ignore[arg-type] # one of the three
            log_id = service.ingest_log("INFO", "m", "s")
            assert re.fullmatch(pattern, log_id)
            found = service.get_log_by_id(log_id)
            assert found is not None
            assert found.id == log_id


def test_a_directory_keeps_entries_and_ids_go_on(tmp_path: Path) -> None:
    with create_log_service(tmp_path, ids="sequential") as service:
        assert service.ingest_batch([{"level": "INFO", "message": "m", "service": "s"}] * 3) == ["1", "2", "3"]
    with create_log_service(tmp_path, ids="sequential") as service:
        assert service.ingest_log("INFO", "more", "s") == "4"
        assert service.query().total == 4


@pytest.mark.parametrize("shard_by", ["service", "time"])
def test_shards(shard_by: str) -> None:
    with create_log_service(shards=3, shard_by=shard_by, shard_span=timedelta(minutes=1)) as service:  # type: ignore[arg-type] # one of the two
        logs = [
            {"level": "INFO", "message": str(n), "service": f"s{n % 7}", "timestamp": START + timedelta(seconds=n * 20)}
            for n in range(42)
        ]
        ids = service.ingest_batch(logs)
        held = [nodes[0] for nodes in service.stats().shards]
        assert len(held) == 3
        assert [each.message for each in service.query(limit=100).entries] == [str(n) for n in range(41, -1, -1)]
        assert [service.get_log_by_id(each) is not None for each in ids] == [True] * 42
        assert service.query(ServiceFilter("s3") & KeywordFilter("3")).total == 3
        assert len(service.get_logs_by_time_range(START, START + timedelta(minutes=2))) == 6
        assert [each.message for each in service.query(limit=5, page=2).entries] == ["36", "35", "34", "33", "32"]


def test_a_shard_that_is_away_stops_its_own_entries_only(ids: LogIds) -> None:
    nodes = [FlakyStorage(MemoryStorage(ids)) for _ in range(2)]
    with create_log_service(nodes, shards=2) as service:
        names = {service.ingest_log("INFO", "m", f"s{n}"): f"s{n}" for n in range(20)}
        mine = [node.inner.counts().by_service for node in nodes]
        assert sum(len(each) for each in mine) == len(names)
        nodes[1].away = True
        here, there = next(iter(mine[0])), next(iter(mine[1]))
        service.ingest_log("INFO", "m", here)
        with pytest.raises(NotNow):
            service.ingest_log("INFO", "m", there)
        before = nodes[0].inner.counts().total
        with pytest.raises(Incomplete) as failed:
            service.ingest_batch([{"level": "INFO", "message": "m", "service": name} for name in (here, there)])
        assert len(failed.value.ids) == nodes[0].inner.counts().total - before == 1
        stats = service.stats()
        assert (stats.complete, stats.total_logs, stats.ingestion.errors) == (False, before + 1, 2)
        nodes[1].away = False


def test_instances_take_turns(ids: LogIds) -> None:
    store = MemoryStorage(ids)
    nodes = [FlakyStorage(store) for _ in range(3)]
    with create_log_service(nodes, balance="round-robin", health_seconds=0.05) as service:
        service.ingest_log("INFO", "m", "s")
        assert service.settle(60)
        for _ in range(9):
            service.query()
        assert [node.asked for node in nodes] == [3, 3, 3]
        nodes[0].away = True
        assert [service.query().total for _ in range(6)] == [1] * 6


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: create_log_service(replicas=0), "replicas", id="no nodes"),
        pytest.param(lambda: create_log_service(mode="sometimes"), "mode", id="mode"),  # type: ignore[arg-type] # wrong on purpose
        pytest.param(lambda: create_log_service(colour=1), "colour", id="unknown"),  # type: ignore[call-arg] # wrong on purpose
        pytest.param(lambda: create_log_service(machine=1024), "machine", id="machine"),
        pytest.param(lambda: create_log_service(use_replication=True, ids="sequential"), "ids: sequential", id="ids"),
        pytest.param(lambda: create_log_service("http://127.0.0.1:1"), "machine: say which", id="server"),
        pytest.param(
            lambda: create_log_service("http://127.0.0.1:1", use_replication=True, machine=5),
            "one place",
            id="one server",
        ),
        pytest.param(
            lambda: create_log_service("clickhouse://h/d", use_replication=True), "a cluster copies", id="cluster"
        ),
        pytest.param(
            lambda: create_log_service(["clickhouse://h/d", "memory"], use_replication=True),
            "a cluster copies",
            id="mixed",
        ),
        pytest.param(lambda: create_log_service(["memory"] * 3, shards=2), "cannot be cut", id="shards"),
        pytest.param(lambda: create_log_service([]), "cannot be cut", id="nothing"),
        pytest.param(lambda: create_log_service(shard_span=timedelta(0)), "shard_span", id="span"),
    ],
)
def test_what_cannot_be_made(make: Callable[[], object], reason: str) -> None:
    with pytest.raises(BadConfig, match=reason):
        make()


def test_a_server_that_is_away_is_no_reason_not_to_begin() -> None:
    with create_log_service("http://127.0.0.1:1", machine=5, health_seconds=0.05) as service:
        with pytest.raises(NotNow, match="cannot reach"):
            service.ingest_log("INFO", "m", "s")
        with pytest.raises(LogyardError):
            service.query(LevelFilter("info"))


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    with create_log_service(tmp_path), pytest.raises(LogyardError):
        create_log_service(tmp_path)


def test_nodes_in_processes_end_with_the_service(tmp_path: Path) -> None:
    with create_log_service(
        tmp_path, use_replication=True, replicas=2, mode="synchronous", timeout_seconds=60
    ) as service:
        service.ingest_log("INFO", "m", "s")
        pids = servers(tmp_path)
        assert len(pids) == 2
    until(lambda: not servers(tmp_path))
    for node in ("node-1", "node-2"):
        with create_log_service(tmp_path / node) as service:
            assert service.query().total == 1


PROGRAM = """
import pathlib, sys, threading
from logyard.feed import create_log_service
service = create_log_service(sys.argv[1], use_replication=True, replicas=2)
print("begun", flush=True)
threading.Event().wait()
"""


def test_nodes_end_when_the_program_is_killed(tmp_path: Path) -> None:
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    assert len(servers(tmp_path)) == 2
    program.kill()
    program.communicate()
    until(lambda: not servers(tmp_path))
