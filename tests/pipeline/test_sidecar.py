"""The shipped pipeline of the sidecar: its own tests, and an hour of the demo's real output, record by record."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from logyard.formats.json.settle import block, settled
from logyard.model.reading import DEFAULT_READING
from logyard.pipeline.chain import Chain
from logyard.pipeline.included import pipeline_file, shipped_names
from logyard.pipeline.proving import proofs, prove
from logyard.telemetry import Telemetry
from tests.pipeline.frames import NOW, attributes

Fields = Mapping[str, Any]
LINE = re.compile(
    r"(?P<time>[0-9-]{10} [0-9:]{8},[0-9]{3}) - (?:(?P<logger>[a-z-]+) - )?(?:(?P<level>[A-Z]+) - )?(?P<rest>.*)"
)
SHIPPED = [proof for name in shipped_names() if name != "topics" for proof in proofs(pipeline_file(name)["tests"])]


@pytest.mark.parametrize("proof", SHIPPED, ids=lambda proof: proof.name)
def test_what_the_file_says_of_itself(proof: Any) -> None:
    assert prove([{"include": "sidecar"}], proof).wrong == ()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the real programs write in an hour."""
    directory = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "logyard", "demo", "all", "--logs", directory, "--listen", "none", "--seed", "7",
         "--speed", "inf", "--start", "2026-01-01T00:00:00Z", "--for", "1h", "--quiet"],
        check=True, timeout=120,
    )  # fmt: skip
    return directory


def processed(path: Path, telemetry: Telemetry | None = None) -> pl.DataFrame:
    """As the receiver ``files`` hands the file in, a batch of 1000 lines at a time."""
    chain = Chain.of([{"include": "sidecar"}], telemetry)
    reading = DEFAULT_READING.given({"service": path.stem, "source": str(path)})
    lines = path.read_bytes().splitlines(keepends=True)
    parts = []
    for start in range(0, len(lines), 1000):
        body = block(b"".join(lines[start : start + 1000]), msgspec.structs.replace(reading, kind="raw"))
        assert body is not None
        left = chain.apply(settled(body), NOW)
        assert isinstance(left, pl.DataFrame)
        parts.append(left)
    return pl.concat(parts)


def access(line: Fields) -> Fields:
    wanted = {"log_category": "access", "level": "INFO", "endpoint": None, "status_category": None}
    if "path" in line:
        wanted["endpoint"] = line["path"].split("?")[0]
    if "status_code" in line:
        number = line["status_code"] // 100
        wanted["status_category"] = {2: "success", 3: "redirect", 4: "client_error", 5: "server_error"}[number]
    return wanted


def error(line: Fields) -> Fields:
    words = line["message"].lower()
    kind = next((word for word in ("timeout", "connection", "validation") if word in words), "unknown")
    return {"log_category": "error", "level": "ERROR", "severity": "high", "error_type": kind}


def application(line: Fields) -> Fields:
    words = set(re.findall(r"\w+", line["message"].lower()))
    levels = {
        "ERROR": {"error", "exception", "failed", "failure"},
        "WARNING": {"warn", "warning", "deprecated"},
        "DEBUG": {"debug", "trace"},
        "INFO": {"info", "started", "completed", "success"},
    }
    found = next((level for level, each in levels.items() if words & each), line["level"])
    return {"log_category": "application", "level": found, "component": line["logger"]}


def database(line: Fields) -> Fields:
    took = line.get("execution_time_ms", 0)
    kind = "very_slow" if took > 5000 else "slow" if took > 1000 else "normal" if took > 100 else "fast"
    return {
        "log_category": "database",
        "level": "WARNING" if kind == "very_slow" else "INFO",
        "performance_category": kind,
    }


def job(line: Fields) -> Fields:
    return {"log_category": "job", "level": "ERROR" if line.get("status") in {"failed", "error"} else "INFO"}


RULES: Mapping[str, Callable[[Fields], Fields]] = {
    "access.log": access,
    "error.log": error,
    "application.log": application,
    "database-queries.log": database,
    "database-performance.log": database,
    "job-execution.log": job,
    "job-metrics.log": job,
}


def read(path: Path) -> Iterator[Fields]:
    """The lines, taken apart by other code than the product's."""
    for line in path.read_text().splitlines():
        found = LINE.fullmatch(line)
        assert found is not None
        fields = json.loads(found["rest"]) if found["rest"].startswith("{") else {"message": found["rest"]}
        yield {"at": found["time"], "logger": found["logger"], "level": found["level"], **fields}


@pytest.mark.parametrize("name", RULES)
def test_every_record_of_an_hour_of_the_demo(logs: Path, name: str) -> None:
    frame = processed(logs / name)
    lines = list(read(logs / name))
    assert frame.height == len(lines) > 100
    for line, row, fields in zip(lines, frame.iter_rows(named=True), attributes(frame), strict=True):
        shown = {**fields, "level": row["level"]}
        for key, value in RULES[name](line).items():
            assert shown.get(key) == value, (line, shown)
        kept = {
            key: value for key, value in line.items() if key not in {"at", "logger", "level", "message", "timestamp"}
        }
        assert {key: fields.get(key) for key in kept} == kept
        when = line.get("timestamp", line["at"].replace(" ", "T").replace(",", ".") + "Z")
        assert f"{row['timestamp']:%Y-%m-%dT%H:%M:%S.%f}"[: len(when) - 1] == when[:-1]
        assert "processing_error" not in fields


def test_every_kind_of_answer_was_among_them(logs: Path) -> None:
    """The demo does all that the rules speak of, so that the test above says something."""
    found = Counter(each.get("status_category") for each in attributes(processed(logs / "access.log")))
    assert {"success", "client_error", "server_error"} <= found.keys()
    speeds = Counter(each["performance_category"] for each in attributes(processed(logs / "database-queries.log")))
    assert set(speeds) == {"fast", "normal", "slow", "very_slow"}
    assert {"timeout", "connection", "unknown"} <= {
        each["error_type"] for each in attributes(processed(logs / "error.log"))
    }


def test_a_broken_line_costs_no_neighbour(tmp_path: Path) -> None:
    good = '2026-01-01 00:00:00,000 - {"job_id":"j","status":"failed"}'
    odd = [
        '2026-01-01 00:00:00,000 - {"job_id":',
        "\x00\x01",
        "",
        "{}",
        "{" * 50,
        '{"a":' * 2000 + "1" + "}" * 2000,
        "é" * 99,
    ]
    path = tmp_path / "job-execution.log"
    path.write_text("".join(f"{line}\n{good}\n" for line in odd))
    telemetry = Telemetry()
    frame = processed(path, telemetry)
    records = attributes(frame)
    assert sum(each.get("job_id") == "j" for each in records) == len(odd)
    assert set(frame.filter(pl.col("attributes").str.contains('"j"'))["level"]) == {"ERROR"}
    wrong = [each for each in records if "processing_error" in each]
    assert 2 <= len(wrong) <= 3
    assert telemetry.value("logyard_processing_failed_total", step="unfold") == len(wrong)
