"""What the background worker writes: ``job-execution.log`` and ``job-metrics.log``."""

from typing import Literal

from logyard.demo.lines import Fields

__all__ = ["Job", "JobStatus", "Totals"]

JobStatus = Literal["queued", "started", "processing", "completed", "failed", "error"]


class Job(Fields, frozen=True, kw_only=True):
    """A line of ``job-execution.log``: queued, started, each step, and the end.

    ``failed`` is a job that could not do its work; ``error`` one that died of an exception.
    """

    job_id: str
    type: str
    priority: str
    status: JobStatus
    worker_thread: str | None = None
    step: str | None = None
    progress_percent: int | None = None
    processing_time_ms: float | None = None
    error: str | None = None


class Totals(Fields, frozen=True, kw_only=True):
    """A line of ``job-metrics.log``: every thirty seconds, and with the first four fields after each job."""

    job_id: str | None = None
    type: str | None = None
    status: JobStatus | None = None
    processing_time_ms: float | None = None
    queue_size: int
    processed_jobs: int
    failed_jobs: int
    success_rate: float
    worker_threads: int
