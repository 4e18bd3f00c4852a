"""Everything that the feeding service does, done and said: ``python -m logyard.feed``.

Real parts: two servers in processes of their own, one of which is killed on the way; the engine in this process; a
directory that is gone afterwards. Takes some seconds, most of them for the servers to begin.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

import httpx
import msgspec

from logyard.clock import SystemClock
from logyard.errors import LogyardError, StoreFailed
from logyard.feed.filters import KeywordFilter, LevelFilter, ServiceFilter
from logyard.feed.level import LogLevel
from logyard.feed.opening import create_log_service
from logyard.feed.process import ServerProcess
from logyard.feed.service import LogFeedingService
from logyard.feed.yard import YardStorage
from logyard.model.ids import SnowflakeIds

__all__ = ["main"]

_BATCH: Final = 10_000
_MACHINE: Final = 9
_PATIENCE: Final = 60.0
Say = Callable[[str], None]


def main(out: TextIO) -> int:
    """0 when all of it worked."""
    began = time.monotonic()

    def say(text: str) -> None:
        out.write(text + "\n")
        out.flush()

    try:
        with tempfile.TemporaryDirectory(prefix="logyard-feed-") as directory, _servers(Path(directory)) as servers:
            _ingestion(say)
            with create_log_service(Path(directory) / "embedded") as engine:
                _batches(say, engine)
                _filters(say, engine)
            _scaling(say)
            _replication(say, servers())
    except LogyardError as error:
        say(f"\nfailed: {error}")
        return 1
    say(f"\nAll of it worked, in {time.monotonic() - began:.1f} s; everything that was started has been stopped.")
    return 0


@contextmanager
def _servers(directory: Path) -> Iterator[Callable[[], Sequence[ServerProcess]]]:
    """Two servers, begun while the first parts are shown."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        places = [directory / name for name in ("master", "slave")]
        begun = [pool.submit(ServerProcess, place, {}, timeout=_PATIENCE) for place in places]
        for each in begun:
            stack.callback(_close, each)
        yield lambda: [each.result() for each in begun]


def _close(begun: Future[ServerProcess]) -> None:
    begun.result().close()


def _ingestion(say: Say) -> None:
    say("Ingestion and querying")
    with create_log_service() as service:
        log_id = service.ingest_log(
            LogLevel.ERROR, "Database failed", "user-service", metadata={"attempt": 3}, correlation_id="c-17"
        )
        service.ingest_log(LogLevel.INFO, "User logged in", "user-service", source_ip="10.0.0.7")
        service.ingest_log(LogLevel.WARNING, "Stock is low", "shop")
        entry = service.get_log_by_id(log_id)
        _expect(entry is not None and entry.message == "Database failed", "an entry is found by its id")
        say(f"  {log_id} is {entry}")
        by_service = service.get_logs_by_service("user-service")
        _expect(len(by_service) == 2, "entries are found by their service")  # noqa: PLR2004 - as many as went in
        for each in by_service:
            say(f"  {each.timestamp:%H:%M:%S.%f} {each.level:8} {each.service_name}: {each.message}")


def _batches(say: Say, engine: LogFeedingService) -> None:
    say("\nBatches, into the embedded engine")
    logs = [
        {"level": "INFO", "message": f"order {n} paid", "service": "orders", "metadata": {"n": n}}
        for n in range(_BATCH)
    ]
    began = time.monotonic()
    ids = engine.ingest_batch(logs)
    took = time.monotonic() - began
    say(f"  {len(ids):,} entries durable after {took * 1000:.0f} ms: {len(ids) / took:,.0f} a second")
    page = engine.query("metadata.n:=7777")
    _expect([each.message for each in page.entries] == ["order 7777 paid"], "one of them is found")
    say(f"  metadata.n:=7777 finds {page.entries[0].message!r} among {engine.stats().total_logs:,}")


def _filters(say: Say, engine: LogFeedingService) -> None:
    say("\nFilters, the same in memory and in the engine")
    wanted = LevelFilter.at_least("warning") & ServiceFilter("shop", "user-service") & ~KeywordFilter("test")
    say(f"  as text of the query language: {wanted}")
    given = (("INFO", "fine"), ("ERROR", "no stock"), ("CRITICAL", "a test"), ("warn", "low stock"))
    with create_log_service() as memory:
        for level, message in given:
            memory.ingest_log(level, message, "shop")
            engine.ingest_log(level, message, "shop")
        found = [[each.message for each in service.query(wanted).entries] for service in (memory, engine)]
    _expect(found == [["low stock", "no stock"]] * 2, "both say the same")
    say(f"  memory: {found[0]}\n  engine: {found[1]}")
    done = engine.stats().ingestion
    say(f"  calls took {done.p50:.1f} ms (P50), {done.p95:.1f} ms (P95), {done.p99:.1f} ms (P99)")


def _scaling(say: Say) -> None:
    say("\nScaling: shards by service, each a quorum of three nodes in memory, least-loaded first")
    with create_log_service(
        use_replication=True, strategy="multi-master", mode="quorum", shards=4, balance="least-loaded"
    ) as service:
        for number in range(200):
            service.ingest_log("INFO", f"call {number}", f"service-{number % 20}")
        _settled(service)
        page = service.query(limit=3)
        _expect(page.total == 200, "a question is put to all shards")  # noqa: PLR2004 - as many as went in
        say(f"  {page.total} entries; the newest: {[each.message for each in page.entries]}")
        nodes = [node for shard in service.stats().shards for node in shard]
        say(f"  {len(nodes)} nodes, all {', '.join(sorted({node.state for node in nodes}))}")


def _replication(say: Say, servers: Sequence[ServerProcess]) -> None:
    say("\nReplication: a master and a slave, each a server in a process of its own")
    ids = SnowflakeIds(_MACHINE, SystemClock())
    nodes = [YardStorage(server, ids) for server in servers]
    with create_log_service(nodes, use_replication=True, machine=_MACHINE, health_seconds=0.2) as service:
        service.ingest_log("INFO", "while both are there", "shop")
        _settled(service)
        say(f"  {_shown(service)}")
        os.kill(servers[1].pid, signal.SIGKILL)
        for number in range(50):
            service.ingest_log("INFO", f"while the slave is away {number}", "shop")
        say(f"  killed the slave, and fed on: {_shown(service)}")
        _settled(service)
        say(f"  it was started again, and has caught up: {_shown(service)}")
        held = [node.counts().total for node in nodes]
        _expect(held == [51, 51], "both have every entry, once")
        say(f"  entries on each: {held}")
        _rest(say, servers[0].client().url)


def _rest(say: Say, url: str) -> None:
    say(f"\nREST, at {url}")
    with httpx.Client(base_url=url, timeout=_PATIENCE) as web:
        entry = {"level": "ERROR", "message": "Payment refused", "service": "shop", "correlation_id": "c-18"}
        stored = web.post("/api/v1/logs", json=entry)
        say(f"  POST /api/v1/logs        {stored.status_code} {stored.text}")
        _expect(stored.json().get("message") == "Log ingested successfully", "an entry is taken")
        batch = web.post("/api/v1/logs/batch", json={"logs": [entry, 7]}).json()
        say(f"  POST /api/v1/logs/batch  {batch['results']}")
        page = web.get("/api/v1/logs", params={"level": "error", "correlation_id": "c-18", "limit": 1}).json()
        _expect(page["count"] == 1, "it is found")
        say(f"  GET  /api/v1/logs        {page['pagination']}")
        found = web.get(f"/api/v1/logs/{stored.json()['log_id']}").json()
        _expect(found["log"]["message"] == entry["message"], "it is found by its id")
        say(f"  GET  /api/v1/logs/ID     {msgspec.json.encode(found['log']).decode()}")
        say(f"  GET  /api/v1/metrics     {web.get('/api/v1/metrics').text}")


def _settled(service: LogFeedingService) -> None:
    _expect(service.settle(_PATIENCE), "every node gets everything")


def _shown(service: LogFeedingService) -> str:
    nodes = service.stats().shards[0]
    return "; ".join(
        f"{'master' if node.writes else 'slave'} {node.state}, {node.lag_entries} entries behind" for node in nodes
    )


def _expect(holds: bool, what: str) -> None:  # noqa: FBT001 - a condition and its name
    if not holds:
        raise StoreFailed(f"it should be that {what}, and it is not")
