"""What becomes of records when their process forks, ends, is asked to end, or is killed."""

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from logyard.testing.ports import free_port
from tests.handler.programs import MANY
from tests.handler.target import Answer, Target
from tests.handler.target import target as listening

SECONDS = 120


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "dev", "-m", "tests.handler.programs", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(*arguments: str, code: int = 0) -> str:
    """Run a program to its end; what it printed."""
    with started(*arguments) as process:
        out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == code, errors
    assert "Traceback" not in errors, errors
    return out


def test_the_end_of_the_program_waits_for_a_full_queue(target: Target) -> None:
    ended("full_queue", target.url)
    assert Counter(target.messages) == Counter(f"record {number}" for number in range(MANY))


def test_the_exit_code_stays(target: Target) -> None:
    ended("crashing", target.url, code=3)
    assert target.messages == ["before"]


def test_the_end_does_not_wait_for_a_server_that_hangs(target: Target) -> None:
    target.gate.clear()
    process = started("full_queue", target.url)
    target.wait_for_requests(1)
    target.gate.set()
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("program", "code", "messages"),
    [
        pytest.param("terminated", -signal.SIGTERM, {f"record {n}" for n in range(100)}, id="the system's"),
        pytest.param("own_handler", 7, {"leaving"}, id="the program's own"),
    ],
)
def test_sigterm(target: Target, program: str, code: int, messages: set[str]) -> None:
    with started(program, target.url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == code
    assert set(target.messages) == messages


def test_a_signal_handler_may_log(target: Target) -> None:
    ended("signalled", target.url)
    found = Counter(message for message in target.messages if message != "alarm")
    assert found == Counter(f"record {number}" for number in range(MANY))


def test_a_fork_sends_nothing_twice(target: Target) -> None:
    ended("forked", target.url)
    assert Counter(target.messages) == Counter(["before the fork", "in the child", "in the parent"])
    processes = {record["message"]: record["process"] for record in target.records}
    assert processes["before the fork"] == processes["in the parent"] != processes["in the child"]
    assert len({request.key.partition("-")[0] for request in target.requests}) == 2


def test_forks_while_threads_log(target: Target) -> None:
    ended("forked_from_many_threads", target.url)
    found = Counter(target.messages)
    assert max(found.values()) == 1
    assert {message for message in found if message.startswith("child")} == {f"child {n}" for n in range(20)}
    for name in range(3):
        numbers = [int(match[1]) for match in map(re.compile(rf"thread {name} record (\d+)").match, found) if match]
        assert sorted(numbers) == list(range(len(numbers)))


def test_children_of_multiprocessing(target: Target) -> None:
    ended("pooled", target.url)
    assert Counter(target.messages) == Counter(f"job {number}" for number in range(5))


def test_urllib3_at_debug(target: Target) -> None:
    ended("urllib3_debug", target.url)
    ours = [record for record in target.records if record.get("service") == "program"]
    assert [record["message"] for record in ours if record["logger"] == "program"] == [f"done {n}" for n in range(3)]
    # One for the connection, one for each request of the program's own, and none for the handler's.
    assert len([record for record in ours if record["logger"].startswith("urllib3")]) == 4


def test_a_killed_process_leaves_its_spool_to_the_next(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with started("killed", url, str(tmp_path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
    left = sum(int(file.name.split(".")[1]) for file in tmp_path.glob("*/*.ndjson"))
    assert left >= 800
    with listening(port) as found:
        found.answers.append(Answer(lose=True))  # the first answer is lost: the same batch comes again
        with started("killed", url, str(tmp_path)) as successor:
            found.wait_for(left)
            assert successor.stdout is not None
            assert successor.stdout.readline() == "ready\n"
            successor.kill()
        first = Counter(record["message"] for record in found.records if record["process"] == process.pid)
    assert (sum(first.values()), max(first.values())) == (left, 1)


def test_a_handler_that_nobody_holds(target: Target) -> None:
    assert ended("given_up", target.url) == "True\n"
    assert target.messages == ["last words"]


def test_importing_the_handler_loads_nothing_else() -> None:
    code = """
import sys
before = set(sys.modules)
from logyard.handler import LogyardHandler
LogyardHandler("http://127.0.0.1:1")
new = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(sorted(new), sorted(name for name in sys.modules if name.startswith("logyard.") and "handler" not in name))
import threading
print(threading.active_count())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    assert found.stdout == "['logyard'] []\n1\n"
