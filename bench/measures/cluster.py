"""Through the cluster adapter against the embedded store: the same load, the same questions, in turn within one round.

One server on this machine for ingest, two shards for the aggregates. Everything shares the same cores: what a second
machine would bring cannot be seen here, only what the way over the network costs.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench.loading import Load, load
from bench.machine import cpu_seconds
from bench.report import Figure, at_least, figure
from bench.run import Run
from bench.server import Server, start
from logyard.testing.clickhouse import Nodes

__all__ = ["measure"]

_NAME: Final = "cluster"
_TIMES: Final = 9
_PATIENT: Final = "[query]\nsettle_seconds = 300\n"
"""The machine may be busy with more than this."""
_AGGREGATES: Final = {
    "group by service, level": "* | stats by (service, level) count() rows",
    "average of a number": "* | stats by (service) avg(metadata.duration_ms) mean",
}


def measure(run: Run) -> Iterator[Figure]:
    """As many rounds of ingest as ``ingest`` has, then the aggregates once."""
    pairs = [(_embedded(run), *_one_server(run)) for _ in range(run.rounds)]
    ratio = median(cluster.findable / embedded.findable for embedded, cluster, _ in pairs)
    spread = ", ".join(f"{cluster.findable / embedded.findable:.2f}" for embedded, cluster, _ in pairs)
    yield figure((_NAME, "findable, one server / embedded"), ratio, "", at_least(0.8), note=f"median of {spread}")
    embedded, cluster, servers = pairs[-1]
    acknowledged = cluster.acknowledged / embedded.acknowledged
    yield figure((_NAME, "acknowledged, one server / embedded"), acknowledged, "")
    yield figure((_NAME, "embedded: CPU"), embedded.server_cpu / run.rows * 1e6, "us/row")
    yield figure((_NAME, "cluster: CPU of Logyard"), cluster.server_cpu / run.rows * 1e6, "us/row")
    yield figure((_NAME, "cluster: CPU of the server"), servers / run.rows * 1e6, "us/row")
    yield figure((_NAME, "cluster: stored"), cluster.stored_bytes / run.rows, "B/row", note="before merges")
    yield from _aggregates(run)


def _embedded(run: Run) -> Load:
    with start(run.scratch("embedded"), config=_patient(run)) as server:
        return load(run, server)


def _one_server(run: Run) -> tuple[Load, float]:
    """The load, and the CPU seconds of ClickHouse for it."""
    with ExitStack() as stack:
        server, nodes = _clustered(run, stack, shards=1)
        before = sum(cpu_seconds(node.pid) for node in nodes)
        found = load(run, server)
        return found, sum(cpu_seconds(node.pid) for node in nodes) - before


def _aggregates(run: Run) -> Iterator[Figure]:
    with ExitStack() as stack:
        embedded = stack.enter_context(start(run.scratch("embedded"), config=_patient(run)))
        load(run, embedded)
        cluster, _ = _clustered(run, stack, shards=2)
        load(run, cluster)
        for what, query in _AGGREGATES.items():
            # In turn, so that both see the same disturbances.
            taken = [(_asked(embedded, query), _asked(cluster, query)) for _ in range(_TIMES + 1)][1:]
            one, two = (median(times) for times in zip(*taken, strict=True))
            note = f"{one * 1e3:.0f} ms embedded, {two * 1e3:.0f} ms on two shards of the same cores"
            yield figure((_NAME, f"{what}: embedded / two shards"), one / two, "", at_least(1), note=note)


def _clustered(run: Run, stack: ExitStack, *, shards: int) -> tuple[Server, Nodes]:
    nodes = stack.enter_context(Nodes(run.scratch("clickhouse"), shards=shards))
    config: Path = run.work / "cluster.toml"
    url = nodes.url("bench", hosts=[node.direct for node in nodes])
    config.write_text(f"store = {json.dumps(url)}\n{_PATIENT}")
    return stack.enter_context(start(run.scratch("clustered"), config=config)), nodes


def _patient(run: Run) -> Path:
    config = run.work / "patient.toml"
    config.write_text(_PATIENT)
    return config


def _asked(server: Server, query: str) -> float:
    """Seconds of one query."""
    started = time.perf_counter()
    if not server.get("/api/v1/query", query=query, limit=1000):
        raise RuntimeError(f"no answer to {query}")
    return time.perf_counter() - started
