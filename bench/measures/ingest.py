"""JSON lines by HTTP in batches, durable on acknowledgement, against the bare engine.

Each round runs the bare engine, then a fresh server; the ratio is taken within the round, the report has the median of
the rounds. The last round's data stays for the measures that need a loaded server.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from bench.loading import Load, load
from bench.machine import disk_bytes, resident_bytes
from bench.report import Bound, Figure, at_least, at_most, figure
from bench.run import Run, progress
from bench.server import Server, start

__all__ = ["PIPELINE", "TARGETS", "Round", "figures", "measure", "rounds"]

_NAME: Final = "ingest"
_DISK_SHARE: Final = 120 / 540
"""Of what was sent: 120 MB for 540 MB. The corpus has somewhat longer lines than that."""
_MERGE_SECONDS: Final = 120.0
_QUIET_SECONDS: Final = 4.0
TARGETS: Final = {"findable": 0.75, "acknowledged": 1.5, "peak": 1.2e9}
PIPELINE: Final = {"findable": 0.40}

Round = tuple[float, Load]
"""The baseline's rows a second, and the load."""


def measure(run: Run) -> Iterator[Figure]:
    """All rounds; then the disk, at once and after the merges."""
    settled: list[tuple[int, int, int]] = []

    def last(server: Server) -> None:
        settled.append((_settled(server), disk_bytes(server.data), resident_bytes(server.pid)))

    done = rounds(run, None, last)
    yield from _baseline(run)
    yield from figures(_NAME, done, TARGETS)
    at_once = done[-1][1].stored_bytes
    stored, on_disk, resident = settled[0]
    bound = at_most(_DISK_SHARE)
    yield figure((_NAME, "disk at once"), at_once / run.bytes, "of sent", bound, note=_mb(at_once, run))
    yield figure((_NAME, "disk after merges"), stored / run.bytes, "of sent", bound, note=_mb(stored, run))
    note = f"{_mb(on_disk, run)}; with merged parts that wait for their removal"
    yield figure((_NAME, "disk, all files"), on_disk / run.rows, "B/row", note=note)
    yield figure((_NAME, "resident after load"), resident / 1e6, "MB")
    yield from _shares(done[-1][1])


def rounds(run: Run, config: Path | None, last: Callable[[Server], None]) -> Sequence[Round]:
    """``last`` sees the last round's server before it stops."""
    done: list[Round] = []
    for number in range(run.rounds):
        baseline = run.baseline()
        data = run.loaded if config is None else run.scratch("piped")
        shutil.rmtree(data, ignore_errors=True)
        with start(data, config=config) as server:
            done.append((baseline, load(run, server)))
            if number == run.rounds - 1:
                last(server)
    return done


def figures(name: str, done: Sequence[Round], targets: dict[str, float]) -> Iterator[Figure]:
    """What every kind of load reports; ratios are to the bare engine of the same round."""

    def bound(what: str) -> Bound | None:
        return at_least(targets[what]) if what in targets else None

    loads = [each for _, each in done]
    acknowledged = median(each.acknowledged / baseline for baseline, each in done)
    findable = median(each.findable / baseline for baseline, each in done)
    spread = ", ".join(f"{each.findable / baseline:.2f}" for baseline, each in done)
    peak = max(each.peak_bytes for each in loads) / 1e6
    latencies = loads[-1].latencies
    note = f"median of {spread}; {_rate(loads, 'findable')}"
    yield figure((name, "findable / bare engine"), findable, "", bound("findable"), note=note)
    note = _rate(loads, "acknowledged")
    yield figure((name, "acknowledged / bare engine"), acknowledged, "", bound("acknowledged"), note=note)
    yield figure(
        (name, "acknowledged / findable"), acknowledged / findable, "", note="twice is asked of what must be findable"
    )
    yield figure((name, "resident at most"), peak, "MB", at_most(targets["peak"] / 1e6) if "peak" in targets else None)
    yield figure((name, "server CPU"), median(each.server_cpu / each.rows for each in loads) * 1e6, "us/row")
    yield figure((name, "clients CPU"), median(each.client_cpu / each.rows for each in loads) * 1e6, "us/row")
    yield figure(
        (name, "4 MB batch acknowledged in"),
        median(latencies) * 1e3,
        "ms",
        note=f"slowest {latencies[-1] * 1e3:.0f} ms",
    )
    yield figure((name, "refused, sent again"), sum(each.refused for each in loads), "")
    others = max(each.others_cpu / each.findable_seconds for each in loads) / (os.cpu_count() or 1)
    yield figure((name, "CPU used by others"), others, "of all", note="above 0.1 this round says little")


def _baseline(run: Run) -> Iterator[Figure]:
    for mode, rates in run.baselines.items():
        note = f"{median(rates):,.0f} rows/s, {len(rates)} runs"
        yield figure(("baseline", f"bare engine, {mode} settings"), 1e6 / median(rates), "us/row", note=note)
    yield figure(("baseline", "CPU used by others"), max(run.disturbances), "of all", note="of the worst run")
    yield figure(("baseline", "bare engine, CPU"), median(run.baseline_cpu) * 1e6, "us/row", note="of all settings")
    yield figure(
        ("baseline", "survey, not in it"), median(run.surveys) / run.rows * 1e6, "us/row", note="single thread or more"
    )


def _shares(found: Load) -> Iterator[Figure]:
    """Where the time of one load went. What runs side by side adds up to more than the wall's seconds."""
    name = "where (last round)"
    wall = found.findable_seconds
    yield figure(
        (name, "wall until findable"), wall, "s", note=f"until acknowledged {found.acknowledged_seconds:.2f} s"
    )
    parts = {
        "fsync of the log": "logyard_wal_fsync_seconds",
        "accept: hand-in to durable": "logyard_batch_accepted_seconds_sum",
        "requests: all of HTTP": "logyard_http_answered_seconds_sum",
        "inserts, over all lanes": "logyard_segment_stored_seconds_sum",
    }
    counts = {"logyard_wal_fsync_seconds": "logyard_wal_commits"}
    for what, sample in parts.items():
        count = found.metrics.get(counts.get(sample, sample.replace("_sum", "_count")), 0)
        yield figure((name, what), found.metrics.get(sample, 0.0), "s", note=f"{count:.0f} times")
    for thread, seconds in sorted(found.threads.items(), key=lambda each: -each[1])[:8]:
        note = f"{seconds / found.server_cpu:.0%} of the server's CPU" if found.server_cpu else ""
        yield figure((name, f"CPU of threads {thread!r}"), seconds / found.rows * 1e6, "us/row", note=note)


def _settled(server: Server) -> int:
    """Bytes of the store when its merges have come to rest."""
    deadline = time.monotonic() + _MERGE_SECONDS
    seen, since = server.stats()["parts"], time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < _QUIET_SECONDS:
        time.sleep(0.5)
        parts = server.stats()["parts"]
        if parts != seen:
            seen, since = parts, time.monotonic()
    progress(f"merged to {seen} parts")
    return int(server.stats()["bytes_on_disk"])


def _rate(loads: Sequence[Load], what: str) -> str:
    return f"{median(getattr(each, what) for each in loads):,.0f} rows/s"


def _mb(size: int, run: Run) -> str:
    return f"{size / 1e6:.0f} MB, {size / run.rows:.1f} B/row"
