"""``logyard generate``: three modes, from the command line and as processes, and end to end through a server."""

import contextlib
import gzip
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logyard.cli.main import run
from logyard.testing.ports import free_port
from logyard.testing.server import Server, ServerOptions
from tests.crash.stored import count

if TYPE_CHECKING:
    from tests.cli.conftest import StandIn

GENERATE = [sys.executable, "-m", "logyard", "generate"]


def verdict(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, int | str]]:
    """Exit code of --verify and what it says about the first stream."""
    capsys.readouterr()
    code = run(["generate", "--verify", "-o", "json", *arguments])
    said = json.loads(capsys.readouterr().out)
    return code, said["streams"][0] if said["streams"] else {}


def wait_for_records(url: str, wanted: int) -> None:
    deadline = time.monotonic() + 120
    while count(url) < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def clean(stream: str, count: int) -> dict[str, int | str]:
    faults = dict.fromkeys(("lost", "duplicated", "reordered", "split", "altered"), 0)
    return {"stream": stream, "received": count, "last": count, **faults}


@pytest.mark.parametrize("form", ["json", "csv", "text", "logfmt"])
def test_what_is_written_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    path = str(tmp_path / "deep" / "a.log")
    assert run(["generate", "--events", "3000", "--file", path, "--stream", "s1", "-o", form]) == 0
    assert capsys.readouterr().err.startswith("stream s1: 3,000 records in ")
    assert verdict(capsys, path, "--expect", "3000") == (0, clean("s1", 3000))
    assert verdict(capsys, path, "--expect", "3001") == (1, {**clean("s1", 3000), "lost": 1})


def test_rotated_and_packed_files_are_read_oldest_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.log"
    limits = ["--rotate-bytes", "100000", "--backups", "9"]
    assert run(["generate", "--events", "2000", "--file", str(path), "--stream", "s1", *limits, "-q"]) == 0
    names = sorted(tmp_path.iterdir(), reverse=True)
    assert 4 < len(names) < 9
    oldest = names[0].with_suffix(".gz")
    oldest.write_bytes(gzip.compress(names[0].read_bytes()))
    names[0].unlink()
    assert verdict(capsys, str(oldest), *map(str, names[1:])) == (0, clean("s1", 2000))
    assert verdict(capsys, *map(str, names[1:]))[0] == 1


def test_the_table_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.log"
    assert run(["generate", "--events", "10", "--file", str(path), "--stream", "s1", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], *lines[4:], b"other\n"]))
    assert run(["generate", "--verify", str(path)]) == 1
    head, row, note, end = capsys.readouterr().out.splitlines()
    assert head.split() == ["stream", "received", "last", "lost", "duplicated", "reordered", "split", "altered"]
    assert row.split() == ["s1", "9", "10", "1", "0", "0", "0", "0"]
    assert note.startswith("1 records without a stamp")
    assert end == "NOT OK"


def test_a_seed_and_a_start_repeat_everything(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["generate", "--rate", "50", "--for", "4s", "--speed", "inf", "--start", "2026-01-01", "--seed", "3"]
    said = []
    for _ in range(2):
        assert run(arguments) == 0
        said.append(capfd.readouterr().out)
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == 200


def test_a_pipe_that_closes_is_no_failure() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -n 2; exit ${PIPESTATUS[0]}', "bash", *GENERATE, "--events", "1000000"],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [["--rate", "5000"], ["--frequency", "0.001", "--file", "app.log"]])
def test_a_signal_is_a_clean_end(tmp_path: Path, arguments: list[str], number: int) -> None:
    with subprocess.Popen([*GENERATE, *arguments], stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        process.send_signal(number)
        said = first + process.stdout.read()
        assert process.wait(120) == 0
    assert said.endswith(b"\n")
    lines = said.splitlines()
    if "--rate" in arguments:
        assert [json.loads(line)["message"].count("genseq") for line in lines] == [1] * len(lines)
    else:
        assert (tmp_path / "app.log").read_bytes() == said


def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    main, side = pty.openpty()
    command = [*GENERATE, "--rate", "2000", "--for", "1s", "--file", str(tmp_path / "a.log"), "--stream", "s1"]
    with subprocess.Popen(command, stderr=side, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(side)
        said = b""
        with io.FileIO(main) as terminal, contextlib.suppress(OSError):  # Linux says so when the other side is closed.
            while piece := terminal.read(4096):
                said += piece
        assert process.wait(120) == 0
    assert b" records written  " in said
    assert re.search(rb"\r\x1b\[Kstream s1: 2,000 records in [\d.]+ s", said)


def test_heartbeats_are_told_by_the_environment_and_flags_win(tmp_path: Path) -> None:
    given = {"LOG_FREQUENCY": "2", "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "%(levelname)s!", "LOG_FILE": "own/beat.log"}
    command = [*GENERATE, "--for", "6s", "--speed", "inf"]
    for extra, want in (([], 3), (["--frequency", "1", "--level", "INFO"], 6)):
        done = subprocess.run(
            [*command, *extra], env={**os.environ, **given}, cwd=tmp_path, capture_output=True, timeout=120, check=True
        )
        assert done.stdout.count(b"INFO!\n") == want
        assert done.stdout.count(b"DEBUG!\n") == (0 if extra else want)
    assert (tmp_path / "own" / "beat.log").read_bytes().count(b"INFO!") == 9


def test_heartbeats_have_the_usual_form_and_file(tmp_path: Path) -> None:
    command = [*GENERATE, "--for", "11s", "--speed", "inf"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    form = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] INFO: Heartbeat \d: service is running"
    assert all(re.fullmatch(form, line) for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 3
    assert (tmp_path / "logs" / "app.log").read_text() == done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        pytest.param(["--to", "http://127.0.0.1:1"], 2, "say how many records", id="how many"),
        pytest.param(["--events", "1", "--ramp", "1s"], 2, "what --ramp and --burst change", id="no rate"),
        pytest.param(["--rate", "1", "--burst", "3"], 2, "cannot parse duration", id="no times"),
        pytest.param(["--rate", "1", "--burst", "x:1s/2s"], 2, "is not FACTOR:FOR/EVERY", id="no factor"),
        pytest.param(["--rate", "1", "--burst", "2:3s/2s"], 2, "is not FACTOR:FOR/EVERY", id="longer than every"),
        pytest.param(["--events", "0"], 2, "--events", id="no events"),
        pytest.param(["--rate", "nan"], 2, "--rate", id="nan"),
        pytest.param(["--events", "1", "--stream", "a b"], 1, "cannot name a stream", id="stream"),
        pytest.param(["--events", "1", "--to", "http://x", "-o", "csv"], 2, "takes JSON", id="csv to a server"),
        pytest.param(["--events", "1", "--file", "/proc/x/y"], 1, "--file: cannot write /proc/x/y", id="file"),
        pytest.param(["--rate", "1", "--speed", "inf"], 2, "say --for how long", id="without end"),
        pytest.param(["--speed", "inf"], 2, "say --for how long", id="heartbeats without end"),
        pytest.param(["a.log"], 2, "is for --verify", id="paths"),
        pytest.param(["--verify", "-o", "csv"], 2, "findings are text or json", id="csv findings"),
        pytest.param(["--level", "loud"], 1, "LOG_LEVEL: 'loud' is none of", id="level"),
        pytest.param(["--verify", "absent.log"], 1, "cannot read absent.log: No such file", id="no file"),
    ],
)
def test_what_cannot_be_is_a_clear_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, reason: str
) -> None:
    assert run(["generate", *arguments]) == code
    assert reason in " ".join(capsys.readouterr().err.split())


def test_a_server_that_refuses_is_named(stand_in: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.scripted += [lambda _server, _body: (400, {}, b'{"detail":"no"}')]
    assert run(["generate", "--events", "5", "--to", stand_in.url]) == 1
    assert "the server refused 5 records: no (HTTP 400)" in capsys.readouterr().err


def test_batches_have_keys_of_their_own(stand_in: "StandIn") -> None:
    stand_in.scripted += [lambda _server, _body: (503, {"Retry-After": "0"}, b"")]
    assert run(["generate", "--events", "20000", "--to", stand_in.url, "--stream", "s1", "-q"]) == 0
    assert len(stand_in.stored) == 20_000
    assert len(stand_in.keys) == 4
    assert len(set(stand_in.keys)) == 3


def test_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Server(tmp_path / "data") as server:
        for stream in ("one", "two"):
            assert run(["generate", "--events", "9000", "--to", server.url, "--stream", stream]) == 0
            assert f"stream {stream}: 9,000 records" in capsys.readouterr().err
        found = verdict(capsys, "--from", server.url, "--stream", "one", "--expect", "9000")
        assert found == (0, clean("one", 9_000))
        assert run(["generate", "--verify", "--from", server.url, "--expect", "9000", "-q"]) == 0
        code, absent = verdict(capsys, "--from", server.url, "--stream", "three", "--expect", "7")
        assert (code, absent["lost"]) == (1, 7)
        # The same stream again is another's mistake, and it is seen.
        assert run(["generate", "--events", "10", "--to", server.url, "--stream", "one", "-q"]) == 0
        assert verdict(capsys, "--from", server.url, "--stream", "one")[1]["duplicated"] == 10
        assert server.stop() == 0


def test_kills_and_restarts_lose_double_and_split_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Server(tmp_path / "data", ServerOptions(port=free_port())) as server:
        command = [*GENERATE, "--rate", "4000", "--events", "16000", "--to", server.url, "--stream", "k1"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            for life in range(2):
                wait_for_records(server.url, 4000 * (life + 1))
                server.kill()
                server.start()
            assert process.stderr is not None
            said = process.stderr.read()
            assert process.wait(120) == 0, said
        assert verdict(capsys, "--from", server.url, "--expect", "16000") == (0, clean("k1", 16_000))
