"""What logging through ``LogyardHandler`` costs the program that logs, and how much goes through from one process."""

from collections.abc import Iterator
from typing import Final

from bench.report import Figure, at_least, at_most, figure
from bench.run import Run, child
from bench.server import start

__all__ = ["measure"]

_NAME: Final = "handler"
_MOST_RECORDS: Final = 500_000


def measure(run: Run) -> Iterator[Figure]:
    """Against a fresh server on the same machine."""
    count = min(run.rows, _MOST_RECORDS)
    with start(run.scratch("handler")) as server:
        found = child("bench.clients.logging_program", f"http://127.0.0.1:{server.port}", count)
    if found["dropped"]:
        raise RuntimeError(f"{found['dropped']} records were dropped")
    ours, stdlib = found["ours"], found["stdlib"]
    note = f"QueueHandler of the standard library: {stdlib['p50']:.2f} us"
    yield figure((_NAME, "emit p50"), ours["p50"], "us", at_most(5), note=note)
    yield figure((_NAME, "emit p99"), ours["p99"], "us", at_most(50), note=f"QueueHandler: {stdlib['p99']:.2f} us")
    yield figure((_NAME, "emit p50 / QueueHandler"), ours["p50"] / stdlib["p50"], "", at_most(1))
    note = f"{found['cpu_us']:.1f} us of CPU a record, the logger's own work included"
    yield figure((_NAME, "records sustained"), found["rate"], "/s", at_least(100_000), note=note)
