"""What the feeding library takes in: single entries into memory, batches into the embedded engine."""

from collections.abc import Iterator
from typing import Final

from bench.report import Figure, at_least, figure
from bench.run import Run, child

__all__ = ["measure"]

_NAME: Final = "feed"
_MOST_SINGLES: Final = 200_000


def measure(run: Run) -> Iterator[Figure]:
    """In a process of its own; the engine's work for the same entries is in it, until all can be found."""
    found = child("bench.clients.feeding_program", run.scratch("feed"), min(run.rows, _MOST_SINGLES), run.rows)
    for kind, bound in (("singles", 50_000), ("batches", 200_000)):
        each = found[kind]
        note = f"{each['caller_us']:.2f} us of CPU an entry on the caller's thread, {each['cpu_us']:.2f} us in all"
        where = "memory" if kind == "singles" else "the embedded engine"
        yield figure((_NAME, f"{kind} into {where}"), each["rate"], "/s", at_least(bound), note=note)
    singles, batches = found["singles"], found["batches"]
    note = "one core, by the CPU time of the caller's thread"
    yield figure((_NAME, "singles by CPU"), 1e6 / singles["caller_us"], "/s", at_least(50_000), note=note)
    note = "one core, by the CPU time of the threads that acknowledge"
    yield figure((_NAME, "batches by CPU"), 1e6 / batches["acknowledging_us"], "/s", at_least(200_000), note=note)
    note = "two cores, by all CPU time: the engine's part is what 'ingest' measures"
    yield figure((_NAME, "batches findable by CPU"), 2e6 / batches["cpu_us"], "/s", note=note)
    yield figure((_NAME, "batch of 10,000, P95"), found["p95_ms"], "ms")
