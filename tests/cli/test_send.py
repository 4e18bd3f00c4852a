"""``logyard send``: everything, once, in order, and a clear word about what was not taken."""

import io
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from logyard.cli.intake import SourceFormat
from logyard.cli.main import run
from logyard.cli.remote import Patience, persist
from logyard.errors import BadInput, NotNow

if TYPE_CHECKING:
    from tests.cli.conftest import StandIn

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "shop.log"
    path.write_text("one\ntwo\nthree\n")
    return path


def messages(server: "StandIn") -> list[str]:
    return [row["message"] for row in server.stored]


def scripted(status: int, body: object = None, **headers: str) -> Callable[["StandIn", bytes], Answer]:
    """An answer given without storing anything."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _server, _body: (status, names, msgspec.json.encode(body or {}))


def test_a_file_arrives_in_order(stand_in: "StandIn", log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", str(log), "--url", stand_in.url]) == 0
    assert messages(stand_in) == ["one", "two", "three"]
    said = capsys.readouterr()
    assert said.err.startswith("3 records stored in ")
    assert said.out == ""


def test_many_blocks_arrive_in_order_each_with_its_own_key(stand_in: "StandIn", tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    path.write_text("".join(f"{number:07} {'x' * 1000}\n" for number in range(12_000)))
    assert run(["send", str(path), "--url", stand_in.url, "-q"]) == 0
    assert [int(message[:7]) for message in messages(stand_in)] == list(range(12_000))
    assert len(set(stand_in.keys)) == len(stand_in.keys) > 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(scripted(429, Retry_After="0"), id="429"),
        pytest.param(scripted(503, {"detail": "draining"}, Retry_After="0.1"), id="503"),
        pytest.param(scripted(507), id="507"),
    ],
)
def test_a_busy_server_is_asked_again_with_the_same_key(
    stand_in: "StandIn", log: Path, answer: Callable[["StandIn", bytes], Answer]
) -> None:
    stand_in.scripted += [answer, answer]
    assert run(["send", str(log), "--url", stand_in.url]) == 0
    assert messages(stand_in) == ["one", "two", "three"]
    assert len(stand_in.keys) == 3
    assert len(set(stand_in.keys)) == 1


def test_it_gives_up_in_time_and_says_how_far_it_came(
    stand_in: "StandIn", log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.scripted += [scripted(503, {"detail": "disk full"}, Retry_After="30")]
    assert run(["send", str(log), "--url", stand_in.url, "--retry-for", "1"]) == 1
    said = capsys.readouterr().err
    assert "disk full (HTTP 503)" in said
    assert f"0 records are stored; from {log}:1 on it is not known" in said


def test_rejected_lines_are_named_by_file_and_line(
    stand_in: "StandIn", log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text("one\n\ntwo\nthree\n")
    errors = [{"index": 1, "reason": "too \x1b[31mlong"}]
    stand_in.scripted += [scripted(207, {"accepted": 2, "rejected": 1, "errors": errors})]
    assert run(["send", str(log), "--url", stand_in.url]) == 1
    said = capsys.readouterr().err
    assert "2 records stored" in said
    assert "1 rejected, 1 blank lines skipped" in said
    assert f"{log}:3: too \\x1b[31mlong" in said


BY_INDEX = {"detail": "no object", "errors": [{"index": 2, "reason": "bad"}]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(scripted(400, BY_INDEX), ":3: bad", id="by index"),
        pytest.param(scripted(400, {"detail": "no"}), ":1: no (HTTP 400)", id="as a whole"),
        pytest.param(scripted(413, {"detail": "too large"}), ":1: too large (HTTP 413)", id="too large"),
    ],
)
def test_a_block_that_was_refused_whole(
    stand_in: "StandIn",
    log: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    answer: Callable[["StandIn", bytes], Answer],
    reason: str,
) -> None:
    stand_in.scripted += [answer]
    assert run(["send", str(log), "--url", stand_in.url]) == 1
    said = capsys.readouterr().err
    assert "0 records stored" in said
    assert "3 rejected" in said
    assert f"{log}{reason}" in said


def test_many_refusals_are_counted_and_ten_are_shown(
    stand_in: "StandIn", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.log"
    path.write_text("x\n" * 30)
    errors = [{"index": index, "reason": "no"} for index in range(30)]
    stand_in.scripted += [scripted(207, {"accepted": 0, "rejected": 30, "errors": errors})]
    assert run(["send", str(path), "--url", stand_in.url]) == 1
    said = capsys.readouterr().err
    assert said.count(": no\n") == 10
    assert "... and 20 more" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["missing.log"], "cannot read missing.log", id="no such file"),
        pytest.param(["."], "is a directory", id="a directory"),
        pytest.param(["--field", "novalue", "-"], "is not KEY=VALUE", id="field without a value"),
        pytest.param(["--format", "xml", "-"], "'xml'", id="unknown format"),
    ],
)
def test_usage_errors(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_terminal_is_asked_for_files() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "logyard", "send"]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE) as process:
        _, said = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 2
    assert b"name the files to send" in said


def test_nobody_listens(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", str(log), "--url", "http://127.0.0.1:1", "--retry-for", "0"]) == 1
    said = capsys.readouterr().err
    assert "cannot reach http://127.0.0.1:1" in said
    assert "'logyard up' starts it" in said


def test_somebody_else_listens(stand_in: "StandIn", log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.scripted += [lambda _server, _body: (200, {}, b"<html>")]
    assert run(["send", str(log), "--url", stand_in.url]) == 1
    assert "no Logyard server" in capsys.readouterr().err


@pytest.mark.parametrize("named", [pytest.param(["-"], id="named"), pytest.param([], id="a pipe says enough")])
def test_stdin_is_sent_while_it_is_written(stand_in: "StandIn", named: list[str]) -> None:
    command = [sys.executable, "-m", "logyard", "send", *named, "--url", stand_in.url, "--service", "live"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"first\n")
        process.stdin.flush()
        process.stdin.write(b'{"n":2}\nlast')
        process.stdin.close()
        assert process.wait(120) == 0
    assert [row.get("message", row.get("n")) for row in stand_in.stored] == ["first", 2, "last"]
    assert {row["service"] for row in stand_in.stored} == {"live"}


def test_ctrl_c_ends_the_waiting(stand_in: "StandIn", log: Path) -> None:
    asked = threading.Event()

    def busy(_server: "StandIn", _body: bytes) -> Answer:
        asked.set()
        return 503, {"Retry-After": "50"}, b"{}"

    stand_in.scripted += [busy]
    command = [sys.executable, "-m", "logyard", "send", str(log), "--url", stand_in.url, "--retry-for", "100"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert asked.wait(120)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_terminal_sees_a_bar(stand_in: "StandIn", log: Path) -> None:
    main, side = pty.openpty()
    command = [sys.executable, "-m", "logyard", "send", str(log), "--url", stand_in.url]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, stderr=side, stdin=side, env=environment)
    os.close(side)
    said = b""
    with io.FileIO(main) as terminal:
        try:
            while piece := terminal.read(4096):
                said += piece
        except OSError:  # Linux says so when the other side is closed.
            pass
    assert process.wait(120) == 0
    assert b"3 rows" in said
    assert b"3 records stored in" in said


def test_formats_are_named_alike_everywhere() -> None:
    assert [kind.value for kind in SourceFormat] == ["auto", "json", "text"]


def test_waits_grow_and_never_undercut_the_server() -> None:
    waits: list[float] = []
    patience = Patience(seconds=100, pause=waits.append, monotonic=lambda: sum(waits), jitter=lambda: 1.0)

    def fail() -> None:
        raise NotNow("busy", retry_after=2.0)

    with pytest.raises(NotNow):
        persist(fail, patience)
    assert waits[:4] == [2.25, 2.5, 3.0, 4.0]
    assert max(waits) == 17.0
    assert sum(waits) <= 100


def test_what_never_succeeds_is_not_tried_again() -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise BadInput("no")

    with pytest.raises(BadInput):
        persist(fail, Patience(pause=lambda _: None))
    assert len(tries) == 1
