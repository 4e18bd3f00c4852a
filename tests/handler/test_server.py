"""Many processes at once into a real Logyard."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx

from logyard.testing.server import Server

PROCESSES, RECORDS = 10, 400


def test_ten_processes_at_once(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        command = [sys.executable, "-m", "tests.handler.programs", "many", server.url]
        running = [
            subprocess.Popen([*command, str(number), str(RECORDS)], stderr=subprocess.PIPE, text=True)
            for number in range(PROCESSES)
        ]
        for process in running:
            _, errors = process.communicate(timeout=300)
            assert (process.returncode, errors) == (0, "")
        found = Counter[str]()
        for number in range(PROCESSES):
            answer = httpx.get(f"{server.url}/logs/process-{number}", params={"limit": 1000}, timeout=60).json()
            found.update(record["message"] for record in answer["logs"])
    assert found == Counter(f"record {name}-{number}" for name in range(PROCESSES) for number in range(RECORDS))


def test_a_record_comes_back_with_all_its_fields(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        subprocess.run(
            [sys.executable, "-m", "tests.handler.programs", "many", server.url, "x", "1"], check=True, timeout=300
        )
        found = httpx.get(f"{server.url}/logs/process-x", timeout=60).json()["logs"]
    record = found[0]
    assert (record["message"], record["message_template"]) == ("record x-0", "record %s-%d")
    assert record["message_args"] == ["x", 0]
    assert (record["level"], record["logger"], record["function"]) == ("INFO", "program", "many")
