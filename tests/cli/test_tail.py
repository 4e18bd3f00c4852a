"""``logyard tail`` over connections that break."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from logyard.cli.main import run

if TYPE_CHECKING:
    from tests.cli.conftest import StandIn


def rows(*numbers: int) -> dict[str, Any]:
    return {"type": "rows", "rows": [{"id": str(number), "message": f"m{number}"} for number in numbers]}


@contextmanager
def tailing(server: "StandIn", *flags: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "logyard", "tail", "-o", "logfmt", "--fields", "message", *flags]
    command += ["--url", server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n").removeprefix("message=") for _ in range(count)]


def test_rows_are_printed_as_they_come(stand_in: "StandIn") -> None:
    stand_in.tails = [[rows(1, 2), {"type": "heartbeat"}, rows(3)]]
    with tailing(stand_in) as process:
        assert lines(process, 3) == ["m1", "m2", "m3"]


def test_a_broken_connection_leaves_no_gap_and_no_duplicate(stand_in: "StandIn") -> None:
    stand_in.tails = [[rows(1, 2)], [], [rows(2, 3)]]
    with tailing(stand_in) as process:
        assert lines(process, 3) == ["m1", "m2", "m3"]
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        assert process.stderr is not None
        assert process.stderr.read().count("lost the server") == 1
    ids = [headers.get(b"last-event-id") for headers in stand_in.tail_headers]
    assert ids == [None, b"2", b"2"]


def test_missed_rows_are_counted_on_stderr(stand_in: "StandIn") -> None:
    stand_in.tails = [[rows(1), {"type": "missed", "count": 7}, rows(9)]]
    with tailing(stand_in) as process:
        assert lines(process, 2) == ["m1", "m9"]
        assert process.stderr is not None
        assert process.stderr.readline() == "logyard: 7 rows missed: they came faster than they were read\n"


def test_a_query_that_cannot_be_tailed_is_an_error(stand_in: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.tails = [[{"type": "error", "detail": "stats cannot be tailed"}], []]
    assert run(["tail", "* | stats count()", "--url", stand_in.url]) == 1
    assert capsys.readouterr().err == "logyard: stats cannot be tailed\n"


def test_until_ends_it(stand_in: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.tails = [[rows(1)]]
    end = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    assert run(["tail", "--until", end, "-o", "logfmt", "--url", stand_in.url]) == 0
    assert capsys.readouterr().out == "id=1 message=m1\n"


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        pytest.param([], {"limit=10"}, id="ten stored rows first"),
        pytest.param(["-n", "0"], {"limit=0"}, id="none"),
        pytest.param(["--since", "@5"], {"limit=100000", "start=%405000000000"}, id="all since then"),
        pytest.param(["--since", "@5", "-n", "3"], {"limit=3", "start=%405000000000"}, id="the newest of them"),
    ],
)
def test_history(stand_in: "StandIn", flags: list[str], wanted: set[str]) -> None:
    stand_in.tails = [[rows(1)]]
    with tailing(stand_in, *flags) as process:
        lines(process, 1)
    assert wanted <= set(stand_in.tail_queries[0].split("&"))


@pytest.mark.parametrize("command", ["tail", "query -f"])
def test_csv_has_a_header_of_its_own(stand_in: "StandIn", command: str) -> None:
    stand_in.tails = [[rows(1)]]
    arguments = [sys.executable, "-m", "logyard", *command.split(), "-o", "csv", "--url", stand_in.url]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert lines(process, 2) == ["timestamp,level,service,message", ",,,m1"]
        process.kill()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("http://127.0.0.1:1", "'logyard up' starts a server", id="nobody listens"),
        pytest.param("ftp://127.0.0.1", "no address of a server", id="another protocol"),
    ],
)
def test_there_is_no_server(url: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tail", "--url", url]) == 1
    assert reason in capsys.readouterr().err


def test_a_server_that_fails_at_once_is_an_error(stand_in: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.tails = [[], []]
    assert run(["tail", "--url", stand_in.url]) == 1
    assert "gives no tail: received 1011" in capsys.readouterr().err


def test_a_full_server_says_so(stand_in: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    stand_in.denied = (400, b'{"detail": "no such field"}')
    assert run(["tail", "--url", stand_in.url]) == 1
    assert "no such field (HTTP 400)" in capsys.readouterr().err
