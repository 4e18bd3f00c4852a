"""A hundred live tails, an event every 100 ms: from the beginning of its POST until a subscriber has it."""

from collections.abc import Iterator
from typing import Final

from bench import machine
from bench.measures.singles import percentile
from bench.report import Figure, at_most, figure
from bench.run import Run, child
from bench.server import start

__all__ = ["measure"]

_NAME: Final = "tail"
_SUBSCRIBERS: Final = 100
_EVENTS: Final = 100
_BETWEEN: Final = 0.1


def measure(run: Run) -> Iterator[Figure]:
    """On an empty server; over all events and subscribers."""
    with start(run.scratch("tail")) as server:
        cpu = machine.cpu_seconds(server.pid)
        found = child("bench.clients.subscribers", server.port, _SUBSCRIBERS, _EVENTS, _BETWEEN)
        cpu = machine.cpu_seconds(server.pid) - cpu
    ordered = sorted(found["latencies"])
    yield figure((_NAME, "POST to subscriber: median"), percentile(ordered, 0.5) * 1e3, "ms", at_most(100))
    yield figure((_NAME, "POST to subscriber: p99"), percentile(ordered, 0.99) * 1e3, "ms")
    yield figure((_NAME, "never came"), found["missing"], "", at_most(0), note=f"of {_SUBSCRIBERS * _EVENTS}")
    yield figure((_NAME, "server CPU"), cpu / max(1, len(ordered)) * 1e6, "us/delivery")
    yield figure((_NAME, "client CPU"), found["cpu"] / (_EVENTS * _BETWEEN), "of a core")
