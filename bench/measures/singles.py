"""Single events, each durable when its answer comes: as fast as 32 connections go, then half of that on a schedule."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bench import machine
from bench.report import Bound, Figure, at_least, at_most, figure
from bench.run import Run, child, progress
from bench.server import Server, start

__all__ = ["measure", "percentile"]

_NAME: Final = "singles"
_CONNECTIONS: Final = 32
_SECONDS: Final = 10
_PATIENCE: Final = 120.0


def measure(run: Run) -> Iterator[Figure]:
    """Open loop: a latency counts from when the event was due, so that a stall is seen by all who waited in it."""
    with start(run.scratch("singles")) as server:
        warm = _send(run, server, seconds=2, rate=0)
        before, cpu = server.metrics(), machine.cpu_seconds(server.pid)
        full = _send(run, server, seconds=_SECONDS, rate=0)
        cpu = machine.cpu_seconds(server.pid) - cpu
        commits = server.metrics()["logyard_wal_commits"] - before["logyard_wal_commits"]
        rate = full["acknowledged"] / full["seconds"]
        progress(f"{rate:,.0f} events/s acknowledged")
        half = _send(run, server, seconds=_SECONDS, rate=rate / 2)
        sent = (warm, full, half)
        behind = _until_findable(server, sum(each["acknowledged"] for each in sent))
    yield figure((_NAME, "events durable"), rate, "1/s", at_least(8000))
    yield figure((_NAME, "events an fsync"), full["acknowledged"] / max(1, commits), "")
    yield from _latencies("full load", full)
    yield from _latencies("half load", half, at_most(50))
    yield figure((_NAME, "findable after the last answer"), behind, "s", note="the first count waits by itself")
    yield figure((_NAME, "server CPU"), cpu / max(1, full["acknowledged"]) * 1e6, "us/event")
    yield figure((_NAME, "client CPU"), full["cpu"] / _SECONDS, "of a core", note="near 1 the client was the limit")
    yield figure((_NAME, "not answered with 201"), sum(each["failed"] for each in sent), "", at_most(0))


def percentile(ordered: Sequence[float], share: float) -> float:
    """By nearest rank; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _until_findable(server: Server, acknowledged: int) -> float:
    """Seconds until all that was acknowledged can be found. More than that is no error: the last answers of a client
    that has ended are lost, their events are not.
    """
    started = time.monotonic()
    while (stored := server.count()) < acknowledged:
        if time.monotonic() - started > _PATIENCE:
            raise RuntimeError(f"{acknowledged} events were acknowledged, {stored} can be found")
        time.sleep(0.2)
    return time.monotonic() - started


def _send(run: Run, server: Server, *, seconds: int, rate: float) -> dict[str, Any]:
    return child("bench.clients.singles", server.port, run.corpus, _CONNECTIONS, seconds, rate)


def _latencies(when: str, found: dict[str, Any], bound: Bound | None = None) -> Iterator[Figure]:
    ordered = sorted(found["latencies"])
    yield figure((_NAME, f"{when}: median answer"), percentile(ordered, 0.5) * 1e3, "ms")
    note = f"slowest {percentile(ordered, 1.0) * 1e3:.0f} ms of {len(ordered)}"
    yield figure((_NAME, f"{when}: p99 answer"), percentile(ordered, 0.99) * 1e3, "ms", bound, note=note)
