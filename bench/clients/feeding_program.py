"""A program that feeds: ``DIRECTORY SINGLES BATCHED``, a number of entries each. Prints one JSON object."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from logyard.feed import LogFeedingService, LogLevel, create_log_service

BATCH = 10_000


def measured(count: int, work: Callable[[], None]) -> dict[str, float]:
    began, own, caller = time.monotonic(), _cpu(), time.thread_time()
    work()
    wall, caller = time.monotonic() - began, time.thread_time() - caller
    return {"rate": count / wall, "caller_us": caller / count * 1e6, "cpu_us": (_cpu() - own) / count * 1e6}


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
