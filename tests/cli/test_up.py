"""The real server as a real process, and the commands against it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from logyard.cli.main import run
from logyard.cli.up import welcome
from logyard.testing.ports import free_port

LOGHUB = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "patterns" / "loghub_2k"
UP = [sys.executable, "-m", "logyard", "up"]


class Server:
    """A running ``logyard up``, and what it said when it began."""

    def __init__(self, data: Path, listen: str = "127.0.0.1:0") -> None:
        command = [*UP, "--data", str(data), "--listen", listen]
        environment = {**os.environ, "LOGYARD__QUERY__SETTLE_SECONDS": "100"}  # the machine may be busy
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.said = ""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if "logyard tail" in line:
                break
        found = re.search(r"Logyard listens on (http://\S+);", self.said)
        assert found is not None, self.said
        self.url = found[1]
        # A full pipe would stop the server in the middle of a log line.
        self.draining = threading.Thread(target=self.process.stderr.read)
        self.draining.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        with self.process as process:
            self.draining.join(120)
            return process.wait(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("up"))
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("url", "flag"),
    [
        pytest.param("http://127.0.0.1:8005", "logyard tail\n", id="where every command looks first"),
        pytest.param("http://127.0.0.1:9", "logyard tail --url http://127.0.0.1:9\n", id="elsewhere"),
    ],
)
def test_the_welcome_names_the_address_where_it_is_needed(url: str, flag: str) -> None:
    assert flag in welcome(url, Path("data"))


def test_the_lines_to_try_work(server: Server) -> None:
    post, get = (line.strip() for line in server.said.splitlines() if line.strip().startswith("curl "))
    first = subprocess.run(shlex.split(post), capture_output=True, check=True)
    assert json.loads(first.stdout)["status"] == "logged"
    second = subprocess.run(shlex.split(get), capture_output=True, check=True)
    assert [entry["message"] for entry in json.loads(second.stdout)["logs"]] == ["hello"]


def test_a_taken_port_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    listen = server.url.removeprefix("http://")
    done = subprocess.run(
        [*UP, "--data", str(tmp_path), "--listen", listen], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"cannot listen on {listen}" in done.stderr


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:http", "127.0.0.1:-1"])
def test_an_address_that_is_none_is_a_clear_error(listen: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*UP, "--data", str(tmp_path), "--listen", listen], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("logyard: listen: ")


def test_ctrl_c_is_a_clean_end(tmp_path: Path) -> None:
    port = free_port()
    running = Server(tmp_path, f"127.0.0.1:{port}")
    assert running.url == f"http://127.0.0.1:{port}"
    assert running.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("system", sorted(path.name for path in LOGHUB.glob("*/")) or ["absent"])
def test_a_real_file_comes_back_complete_and_in_order(
    server: Server, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = LOGHUB / system / f"{system}_2k.log"
    if not path.exists():
        pytest.skip("the shared data is not here")
    lines = path.read_bytes().decode(errors="replace").replace("\r\n", "\n").removesuffix("\n").split("\n")
    assert run(["send", str(path), "--url", server.url]) == 0
    assert f"{len(lines):,} records stored" in capsys.readouterr().err
    assert run(["query", f"service:={system}_2k", "-n", "0", "-o", "ndjson", "--url", server.url]) == 0
    found = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    assert found == lines


def test_query_shows_attributes_and_empty_answers_have_a_code(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "attributes.log"
    path.write_text('{"lvl":"warn","msg":"slow","app":"cli","deep":{"ms":912},"ok":true}\n')
    assert run(["send", str(path), "--url", server.url, "-q"]) == 0
    capsys.readouterr()
    assert run(["query", "service:=cli deep.ms:>900", "--tz", "UTC", "--url", server.url]) == 0
    line = capsys.readouterr().out
    assert " WARNING  cli  slow  " in line
    assert set(line.split()[-2:]) == {"deep.ms=912", "ok=true"}
    assert run(["query", "service:=cli nonsense", "--fail-if-empty", "--url", server.url]) == 4


def test_a_bad_query_points_at_its_place(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "a (b", "--url", server.url]) == 1
    assert capsys.readouterr().err.endswith("\n  a (b\n      ^\n")


def test_tail_joins_history_and_live(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "tailed.log"
    path.write_text("one\ntwo\n")
    assert run(["send", str(path), "--url", server.url, "-q"]) == 0
    command = [sys.executable, "-m", "logyard", "tail", "service:=tailed", "-o", "ndjson", "--url", server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        seen = [json.loads(tail.stdout.readline())["message"] for _ in range(2)]
        path.write_text("three\n")
        assert run(["send", str(path), "--url", server.url, "-q"]) == 0
        seen.append(json.loads(tail.stdout.readline())["message"])
        tail.send_signal(signal.SIGINT)
        assert tail.wait(60) == 130
    assert seen == ["one", "two", "three"]


def test_tail_goes_on_after_a_restart(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "restarted.log"
    with ExitStack() as stack:
        first = stack.enter_context(Server(data, f"127.0.0.1:{free_port()}"))
        path.write_text("before\n")
        assert run(["send", str(path), "--url", first.url, "-q"]) == 0
        command = [sys.executable, "-m", "logyard", "tail", "-o", "ndjson", "--url", first.url]
        tail = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(tail.kill)
        assert tail.stdout is not None
        seen = [json.loads(tail.stdout.readline())["message"]]
        assert first.stop() == 0
        second = stack.enter_context(Server(data, first.url.removeprefix("http://")))
        path.write_text("after\nlast\n")
        assert run(["send", str(path), "--url", second.url, "-q"]) == 0
        seen += [json.loads(tail.stdout.readline())["message"] for _ in range(2)]
        assert second.stop() == 0
    assert seen == ["before", "after", "last"]
