"""A program with a queue of jobs and three worker threads, which every few minutes get more than they can do."""

import heapq
from typing import Final

from msgspec.structs import replace

from logyard.demo.agenda import Agenda, Story
from logyard.demo.chance import Chance
from logyard.demo.job_lines import Job, Totals
from logyard.demo.lines import data_line, message_line
from logyard.demo.writing import LogDirectory

__all__ = ["JOB_STEPS", "WORKERS", "BackgroundWorker"]

WORKERS: Final = ("worker-1", "worker-2", "worker-3")

JOB_STEPS: Final = {
    "email_notification": ("render template", "connect to mail server", "send"),
    "data_backup": ("lock tables", "copy data", "verify checksums", "upload archive"),
    "report_generation": ("collect data", "compute totals", "render pages", "store report"),
    "image_processing": ("decode", "resize", "compress"),
    "data_sync": ("read changes", "resolve conflicts", "write changes"),
    "cache_cleanup": ("scan keys", "remove expired keys"),
    "log_rotation": ("close files", "compress", "remove old archives"),
}
"""Type of job to what it does, in order."""

_PRIORITIES: Final = ("high", "normal", "low")
_PRIORITY_WEIGHTS: Final = (15, 65, 20)
_FAILED_PERCENT: Final = 6
_ERROR_PERCENT: Final = 2
_MEAN_INTERVAL: Final = 5.0
_BURST_EVERY: Final = 600.0
_BURST_JOBS: Final = 30
_LONG_QUEUE: Final = 20
_METRICS_SECONDS: Final = 30.0
_FAILURES: Final = (
    "Connection to the mail server timed out",
    "Destination is out of space",
    "Checksum mismatch",
    "Source file is missing",
    "Rate limit of the remote service exceeded",
)
_EXCEPTIONS: Final = (
    "ValueError: invalid literal in record 17",
    "KeyError: 'customer_id'",
    "MemoryError: cannot allocate image buffer",
)


class BackgroundWorker:
    """Writes ``job-execution.log`` and ``job-metrics.log``."""

    def __init__(self, agenda: Agenda, logs: LogDirectory, seed: int) -> None:
        """Begins its stories on the agenda."""
        self._agenda = agenda
        self._chance = Chance(seed, "background-worker")
        self._execution = logs.open("job-execution.log")
        self._metrics = logs.open("job-metrics.log")
        self._queue: list[tuple[int, int, Job]] = []
        self._idle = list(WORKERS)
        self._queued = 0
        self._processed = 0
        self._failed = 0
        for story in (self._arrivals(), self._bursts(), self._every_half_minute()):
            agenda.begin(story)

    def _arrivals(self) -> Story:
        while True:
            self._put()
            yield self._chance.interval(_MEAN_INTERVAL)

    def _bursts(self) -> Story:
        """A night's work of somebody else, all at once."""
        while True:
            yield _BURST_EVERY / 2
            for _ in range(_BURST_JOBS):
                self._put()
                yield self._chance.between(0.01, 0.2)
            yield _BURST_EVERY / 2

    def _put(self) -> None:
        self._queued += 1
        priority = self._chance.weighted(_PRIORITIES, _PRIORITY_WEIGHTS)
        job = Job(
            job_id=f"job-{self._queued:06}-{self._chance.hexadecimal(6)}",
            type=self._chance.pick(tuple(JOB_STEPS)),
            priority=priority,
            status="queued",
        )
        self._note(job)
        heapq.heappush(self._queue, (_PRIORITIES.index(priority), self._queued, job))
        if self._idle:
            self._agenda.begin(self._worker(self._idle.pop(0)))
        if len(self._queue) == _LONG_QUEUE + 1:
            self._warn()

    def _worker(self, name: str) -> Story:
        while self._queue:
            _, _, job = heapq.heappop(self._queue)
            yield from self._work(replace(job, worker_thread=name))
        self._idle.append(name)

    def _work(self, job: Job) -> Story:
        begun = self._agenda.now
        self._note(replace(job, status="started"))
        outcome = self._outcome(job)
        steps = JOB_STEPS[job.type]
        # What goes wrong goes wrong on the way.
        done = len(steps) if outcome.status == "completed" else self._chance.whole(0, len(steps) - 1)
        for number, step in enumerate(steps[:done], 1):
            yield self._chance.between(0.5, 4.5)
            progress = 100 * number // len(steps)
            self._note(replace(job, status="processing", step=step, progress_percent=progress))
        yield self._chance.between(0.1, 1.0)
        self._end(replace(outcome, processing_time_ms=(self._agenda.now - begun) // 10_000 / 100))

    def _outcome(self, job: Job) -> Job:
        if self._chance.happens(_ERROR_PERCENT):
            return replace(job, status="error", error=self._chance.pick(_EXCEPTIONS))
        if self._chance.happens(_FAILED_PERCENT):
            return replace(job, status="failed", error=self._chance.pick(_FAILURES))
        return replace(job, status="completed")

    def _end(self, job: Job) -> None:
        self._processed += 1
        self._failed += job.status != "completed"
        self._note(job)
        totals = replace(
            self._totals(),
            job_id=job.job_id,
            type=job.type,
            status=job.status,
            processing_time_ms=job.processing_time_ms,
        )
        self._metrics.write(data_line(self._agenda.now, totals))

    def _every_half_minute(self) -> Story:
        while True:
            yield _METRICS_SECONDS
            self._metrics.write(data_line(self._agenda.now, self._totals()))
            if len(self._queue) > _LONG_QUEUE:
                self._warn()

    def _warn(self) -> None:
        message = f"Job queue is long: {len(self._queue)} jobs are waiting"
        self._metrics.write(message_line(self._agenda.now, "WARNING", message))

    def _totals(self) -> Totals:
        succeeded = self._processed - self._failed
        return Totals(
            queue_size=len(self._queue),
            processed_jobs=self._processed,
            failed_jobs=self._failed,
            success_rate=round(100 * succeeded / self._processed, 2) if self._processed else 100.0,
            worker_threads=len(WORKERS),
        )

    def _note(self, job: Job) -> None:
        self._execution.write(data_line(self._agenda.now, job))
