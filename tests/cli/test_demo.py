"""``logyard demo`` as a process: it writes, answers, stops at a signal, and brings little with it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from logyard.cli.main import run

DEMO = [sys.executable, "-m", "logyard", "demo"]
HOUR = ["--start", "2026-01-01T00:00:00Z", "--for", "10m", "--speed", "inf", "--listen", "none", "--seed", "5"]


def announced(process: "subprocess.Popen[str]") -> str:
    """The URL, from the line that says that all is ready."""
    assert process.stderr is not None
    found = re.search(r"answers on (http://\S+)\. ", process.stderr.readline())
    assert found
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", ["all", "web-api"])
def test_a_signal_is_a_clean_end(tmp_path: Path, program: str, number: int) -> None:
    command = [*DEMO, program, "--logs", str(tmp_path), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        url = announced(process)
        assert httpx.get(f"{url}/health", timeout=120, trust_env=False).status_code == 200
        process.send_signal(number)
        process.send_signal(number)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(120) == 0
    text = (tmp_path / "access.log").read_text()
    assert "/health" in text
    assert text.endswith("}\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", timeout=120, trust_env=False)


@pytest.mark.parametrize("program", ["database-client", "background-worker"])
def test_a_program_without_a_server_stops_as_well(tmp_path: Path, program: str) -> None:
    command = [*DEMO, program, "--logs", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"{program}: logs are written into {tmp_path}")
        process.terminate()
        assert process.wait(120) == 0


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    command = [*DEMO, "web-api", "--logs", str(tmp_path), "--listen", "127.0.0.1:0", "--speed", "0.001"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        host, _, port = announced(process).removeprefix("http://").partition(":")
        # At this speed an answer takes minutes.
        with socket.create_connection((host, int(port)), 120) as client:
            client.sendall(b"GET /simulate-load HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while "simulate-load" not in (tmp_path / "access.log").read_text():
                assert process.poll() is None
                time.sleep(0.02)
            process.terminate()
            said = b"".join(iter(lambda: client.recv(4096), b""))
        assert process.wait(120) == 0
    assert said.startswith(b"HTTP/1.1 200 ")


def test_simulated_time_repeats_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert run(["demo", "all", "--logs", str(tmp_path / name), *HOUR]) == 0
    assert "seed 5" in capsys.readouterr().err
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert len(one) == 7
    assert one == two
    assert one["application.log"].startswith(b"2026-01-01 00:00:00,000 - ")


def test_the_port_comes_from_the_environment(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*DEMO, "web-api", "--logs", str(tmp_path)]
        environment = {**os.environ, "PORT": port}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"logyard: --listen: cannot listen on 127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        pytest.param(["all", "--logs", "/proc/x"], 1, "--logs: cannot write logs into /proc/x", id="no directory"),
        pytest.param(["web-api", "--listen", "x"], 1, "--listen: 'x' is not HOST:PORT", id="no address"),
        pytest.param(["shop"], 2, "'shop' is not one of", id="no program"),
        pytest.param(["all", "--speed", "0"], 2, "is not a number above 0", id="no speed"),
        pytest.param(["all", "--speed", "nan"], 2, "is not a number above 0", id="nan"),
        pytest.param(["all", "--speed", "inf"], 2, "say --for how long", id="without end"),
        pytest.param(["all", "--for", "soon"], 2, "cannot parse duration from 'soon'", id="no duration"),
        pytest.param(["all", "--start", "soon"], 2, "cannot parse time from 'soon'", id="no time"),
    ],
)
def test_what_cannot_be_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, arguments: list[str], code: int, reason: str
) -> None:
    given = arguments if "--logs" in arguments else [*arguments, "--logs", str(tmp_path)]
    assert run(["demo", *given]) == code
    assert reason in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["demo", "all", "--for", "1s", "--speed", "inf", "--listen", "none", "--logs"], id="demo"),
        pytest.param(["generate", "--events", "3", "--file"], id="generate"),
    ],
)
def test_an_edge_process_is_light(tmp_path: Path, arguments: list[str]) -> None:
    program = (
        "import pathlib, re, sys\n"
        "from logyard.cli.main import run\n"
        "assert run(sys.argv[1:]) == 0\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', status)[1], *sys.modules)"
    )
    command = [sys.executable, "-c", program, *arguments, str(tmp_path / "logs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    kilobytes, *modules = done.stdout.split()
    assert {"chdb", "litestar", "uvicorn"}.isdisjoint(modules)
    assert int(kilobytes) < 80 << 10
