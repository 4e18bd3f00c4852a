"""A program that feeds: ``DIRECTORY SINGLES BATCHED``, a number of entries each. Prints one JSON object."""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from logyard.feed import LogFeedingService, LogLevel, create_log_service

BATCH = 10_000


def measured(count: int, work: Callable[[], None]) -> dict[str, float]:
    began, own, caller, acknowledging = time.monotonic(), _cpu(), time.thread_time(), _acknowledging_cpu()
    work()
    wall, caller = time.monotonic() - began, time.thread_time() - caller
    acknowledging = _acknowledging_cpu() - acknowledging
    return {
        "rate": count / wall,
        "caller_us": caller / count * 1e6,
        "acknowledging_us": acknowledging / count * 1e6,
        "cpu_us": (_cpu() - own) / count * 1e6,
    }


def singles(service: LogFeedingService, count: int) -> Callable[[], None]:
    def work() -> None:
        for number in range(count):
            service.ingest_log(
                LogLevel.ERROR, "Database failed", "user-service", metadata={"n": number}, correlation_id="c-17"
            )

    return work


def batches(service: LogFeedingService, count: int) -> Callable[[], None]:
    logs = [
        {
            "level": "ERROR",
            "message": f"Database failed after {number} ms: connection reset by peer",
            "service_name": f"service-{number % 50}",
            "metadata": {"n": number, "host": f"node-{number % 7}"},
        }
        for number in range(BATCH)
    ]

    def work() -> None:
        for _ in range(count // BATCH):
            service.ingest_batch(logs)

    return work


def _acknowledging_cpu() -> float:
    """CPU seconds of Python's threads, without those that bring to the engine what has been acknowledged."""
    ticks = 0
    for thread in threading.enumerate():
        if not thread.name.startswith("logyard-drain"):
            fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(directory: Path, single: int, batched: int) -> None:
    batched = max(BATCH, batched // BATCH * BATCH)
    with create_log_service() as service:
        singles(service, 1000)()
        found: dict[str, object] = {"singles": measured(single, singles(service, single))}
    with create_log_service(directory) as service:
        batches(service, BATCH)()
        found["batches"] = measured(batched, batches(service, batched))
        found["p95_ms"] = service.stats().ingestion.p95
        assert service.query(limit=1).total == batched + BATCH
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
