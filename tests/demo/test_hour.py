"""An hour of demo output against the contract: files, fields, words, percentages, warnings."""

import re
from collections import Counter
from pathlib import Path

import pytest

from logyard.demo.background_worker import JOB_STEPS, WORKERS
from tests.demo.conftest import assert_percent, lines, make_logs, objects

REQUEST = ["timestamp", "method", "path", "query_string", "remote_addr", "user_agent", "content_length"]
RESPONSE = ["timestamp", "status_code", "content_length", "processing_time_ms"]
QUERY = ["query_id", "type", "table", "conditions", "timestamp", "status"]
COST = ["query_id", "execution_time_ms", "cpu_usage_percent", "memory_usage_mb", "disk_io_kb", "network_io_kb"]
POOL = ["active_connections", "pool_size", "utilization_percent", "total_queries"]
JOB = ["job_id", "type", "priority", "status"]
TOTALS = ["queue_size", "processed_jobs", "failed_jobs", "success_rate", "worker_threads"]
FILES = {
    "access.log",
    "error.log",
    "application.log",
    "database-queries.log",
    "database-performance.log",
    "job-execution.log",
    "job-metrics.log",
}


def test_all_files_are_there(hour: Path) -> None:
    assert {path.name for path in hour.iterdir()} == FILES


def test_access_lines_are_requests_and_responses(hour: Path) -> None:
    found, others = objects(hour / "access.log")
    requests = [line for line in found if list(line) == REQUEST]
    responses = [line for line in found if list(line) == RESPONSE]
    assert len(requests) + len(responses) == len(found)
    assert not others
    # The last few are still under way when the hour ends.
    assert 0 <= len(requests) - len(responses) < 10
    assert 3200 < len(requests) < 4000
    assert {line["status_code"] for line in responses} == {200, 201, 400, 404, 409, 500}
    assert all(line["processing_time_ms"] > 0 for line in responses)


def test_users_time_out_and_emails_conflict_as_often_as_they_should(hour: Path) -> None:
    statuses = Counter(line["status_code"] for line in objects(hour / "access.log")[0] if "status_code" in line)
    listed = sum("Listed " in line for line in lines(hour / "application.log"))
    assert_percent(statuses[500], listed + statuses[500], 10)
    assert_percent(statuses[409], statuses[201] + statuses[409], 15)


def test_error_lines(hour: Path) -> None:
    found = lines(hour / "error.log")
    assert all(re.fullmatch(r"(WARNING|ERROR) - .+", line) for line in found)
    words = ("Database connection timeout", "User not found", "Email already exists", "Validation failed")
    assert all(any(word in line for line in found) for word in (*words, "connection refused"))


def test_application_lines(hour: Path) -> None:
    found = lines(hour / "application.log")
    form = re.compile(r"(web-api|background-task) - (DEBUG|INFO|WARNING|ERROR) - .+")
    parts = [form.fullmatch(line) for line in found]
    assert all(parts)
    assert {part[1] for part in parts if part} == {"web-api", "background-task"}
    assert {part[2] for part in parts if part} == {"DEBUG", "INFO", "WARNING", "ERROR"}


def test_queries_start_and_end(hour: Path) -> None:
    found, others = objects(hour / "database-queries.log")
    by_status = {
        status: [line for line in found if line["status"] == status] for status in ("started", "completed", "failed")
    }
    assert not others
    assert all(list(line) == QUERY for line in by_status["started"])
    assert all(list(line) == [*QUERY, "execution_time_ms", "rows_affected"] for line in by_status["completed"])
    assert all(list(line) == [*QUERY, "execution_time_ms", "error"] for line in by_status["failed"])
    ended = [*by_status["completed"], *by_status["failed"]]
    assert sum(map(len, by_status.values())) == len(found)
    started = {line["query_id"] for line in by_status["started"]}
    assert len(started) == len(by_status["started"])
    assert started >= {line["query_id"] for line in ended}
    assert 0 <= len(started) - len(ended) <= 10
    assert_percent(len(by_status["failed"]), len(ended), 5)
    assert_percent(sum(line["execution_time_ms"] > 1000 for line in ended), len(ended), 10)
    assert any(line["execution_time_ms"] > 5000 for line in ended)


def test_every_query_has_its_cost_and_the_pool_is_looked_at(hour: Path) -> None:
    found, warnings = objects(hour / "database-performance.log")
    costs = [line for line in found if list(line) == COST]
    pools = [line for line in found if list(line) == POOL]
    assert len(costs) + len(pools) == len(found)
    ended = [line for line in objects(hour / "database-queries.log")[0] if line["status"] != "started"]
    assert [line["query_id"] for line in costs] == [line["query_id"] for line in ended]
    assert len(pools) == 359  # the end of the hour is not in it
    assert all(0 <= line["active_connections"] <= line["pool_size"] for line in pools)
    assert len(warnings) == sum(line["utilization_percent"] > 80 for line in pools) > 0
    assert all(line.startswith("WARNING - High connection pool utilization: ") for line in warnings)


def test_jobs_go_from_queued_to_their_end(hour: Path) -> None:
    found, others = objects(hour / "job-execution.log")
    assert not others
    fields = {
        "queued": JOB,
        "started": [*JOB, "worker_thread"],
        "processing": [*JOB, "worker_thread", "step", "progress_percent"],
        "completed": [*JOB, "worker_thread", "processing_time_ms"],
        "failed": [*JOB, "worker_thread", "processing_time_ms", "error"],
        "error": [*JOB, "worker_thread", "processing_time_ms", "error"],
    }
    assert all(list(line) == fields[line["status"]] for line in found)
    assert {line["type"] for line in found} == set(JOB_STEPS)
    assert {line.get("worker_thread") for line in found} == {None, *WORKERS}
    told = Counter(line["status"] for line in found)
    assert told["queued"] >= told["started"] >= told["completed"] + told["failed"] + told["error"] > 500
    assert told["failed"] > told["error"] > 0


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_does_one_job_at_a_time(hour: Path, worker: str) -> None:
    found = [line for line in objects(hour / "job-execution.log")[0] if line.get("worker_thread") == worker]
    job = ""
    for line in found:
        assert (line["status"] == "started") == (not job)
        assert job in {"", line["job_id"]}
        job = line["job_id"] if line["status"] in {"started", "processing"} else ""


def test_progress_of_a_completed_job_ends_at_100(hour: Path) -> None:
    found = objects(hour / "job-execution.log")[0]
    progress: dict[str, list[int]] = {}
    for line in found:
        if line["status"] == "processing":
            progress.setdefault(line["job_id"], []).append(line["progress_percent"])
    done = [line["job_id"] for line in found if line["status"] == "completed"]
    assert all(progress[job] == sorted(progress[job]) and progress[job][-1] == 100 for job in done)


def test_job_metrics(hour: Path) -> None:
    found, warnings = objects(hour / "job-metrics.log")
    each = [line for line in found if list(line) == ["job_id", "type", "status", "processing_time_ms", *TOTALS]]
    regular = [line for line in found if list(line) == TOTALS]
    assert len(each) + len(regular) == len(found)
    assert len(regular) == 119
    assert [line["processed_jobs"] for line in each] == list(range(1, len(each) + 1))
    assert each[-1]["failed_jobs"] == sum(line["status"] != "completed" for line in each)
    assert all(line["worker_threads"] == 3 and 0 <= line["success_rate"] <= 100 for line in found)
    assert len(warnings) >= sum(line["queue_size"] > 20 for line in regular) > 0
    assert all(
        re.fullmatch(r"WARNING - Job queue is long: (2[1-9]|[3-9]\d) jobs are waiting", line) for line in warnings
    )


def test_the_same_seed_gives_the_same_lines(hour: Path, tmp_path: Path) -> None:
    again = make_logs(tmp_path)
    assert {name: (again / name).read_bytes() for name in FILES} == {name: (hour / name).read_bytes() for name in FILES}


def test_another_seed_gives_other_lines(hour: Path, tmp_path: Path) -> None:
    other = make_logs(tmp_path, seed=8, hours=0.1)
    assert not any((hour / name).read_bytes().startswith((other / name).read_bytes()) for name in FILES)


@pytest.mark.parametrize("program", ["web-api", "database-client", "background-worker"])
def test_a_program_writes_the_same_alone_and_in_company(hour: Path, tmp_path: Path, program: str) -> None:
    alone = list(make_logs(tmp_path, hours=0.2, programs=[program]).iterdir())
    assert alone
    assert all((hour / path.name).read_bytes().startswith(path.read_bytes()) for path in alone)
