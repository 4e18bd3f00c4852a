"""The README's first screen is true: its commands run as they stand, and answer as it says."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
URL = "http://127.0.0.1:8005"


def steps() -> list[tuple[str, str]]:
    """Every command of the README with what it prints, in order."""
    found: list[tuple[str, str]] = []
    for line in "".join(BLOCK.findall(README.read_text())).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        else:
            command, said = found[-1]
            found[-1] = (command, f"{said}{line}\n")
    return found


def without_numbers(text: str) -> str:
    """Ids and times differ; how they look does not."""
    return re.sub(r"\d+", "#", text)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who has just said ``make run`` in another terminal."""
    command = [sys.executable, "-m", "logyard", "up", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "LOGYARD__QUERY__SETTLE_SECONDS": "100"}  # the machine may be busy
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            url = announced(server)
            script = tmp_path / "bin" / "logyard"
            script.parent.mkdir()
            script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m logyard "$@"\n')
            script.chmod(0o755)
            path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
            yield {
                **os.environ,
                "PATH": path,
                "PYTHONPATH": str(ROOT / "src"),
                "LOGYARD_URL": url,
                "HOME": str(tmp_path),
            }
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(120)


def announced(server: "subprocess.Popen[str]") -> str:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"Logyard listens on (http://\S+);", line):
            # A full pipe would stop the server in the middle of a log line.
            threading.Thread(target=server.stderr.read).start()
            return found[1]
    pytest.fail("the server ended before it listened")


def test_the_first_screen_shows_it_working() -> None:
    first = "\n".join(README.read_text().splitlines()[:24])
    assert "pip install" in first
    assert "$ make run" in first
    assert "$ curl" in first


def test_it_is_short() -> None:
    assert len(README.read_text().splitlines()) < 120


def test_every_command_answers_as_it_says(shell: dict[str, str], tmp_path: Path) -> None:
    for command, said in steps():
        if command.startswith("make "):
            continue
        line = command.replace(URL, shell["LOGYARD_URL"])
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=shell, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert without_numbers(
            done.stdout.replace("\r\n", "\n").rstrip("\n") + "\n" * bool(done.stdout)
        ) == without_numbers(said), command
