"""``logyard query`` against a server that answers as it is told."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest

from logyard.cli.main import run

if TYPE_CHECKING:
    from tests.cli.conftest import StandIn

Look = Callable[[dict[str, str], list[str]], bool]

NEWEST_FIRST: list[dict[str, Any]] = [
    {
        "id": str(number),
        "timestamp": f"2026-01-31T14:03:{number:02}Z",
        "level": "INFO",
        "service": "shop",
        "message": f"m{number}",
    }
    for number in (3, 2, 1)
]


@pytest.fixture
def server(stand_in: "StandIn") -> "StandIn":
    stand_in.rows = NEWEST_FIRST
    return stand_in


def asked(server: "StandIn") -> dict[str, str]:
    return {name: unquote_plus(value) for name, value in server.queries[-1].items()}


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["query", *arguments]) == 0
    return capsys.readouterr().out


def test_the_newest_stand_last(server: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    lines = answer(capsys, "--url", server.url, "--tz", "UTC").splitlines()
    assert lines[0] == "2026-01-31 14:03:01.000 INFO     shop  m1"
    assert [line[-2:] for line in lines] == ["m1", "m2", "m3"]
    assert asked(server) == {"query": "*", "limit": "100"}


@pytest.mark.parametrize("arguments", [["-r"], ["* | sort by (x)"]], ids=["newest first", "an order of its own"])
def test_the_servers_order_is_kept(server: "StandIn", capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    rows = answer(capsys, *arguments, "-o", "ndjson", "--url", server.url)
    assert [json.loads(line)["message"] for line in rows.splitlines()] == ["m3", "m2", "m1"]


def test_flags_become_parameters(server: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--since", "2026-01-31", "--until", "2026-02-01", "--tz", "+01:00", "-n", "5", "--where", "a:b"]
    answer(capsys, "x | limit 3", *flags, "--url", server.url)
    assert asked(server) == {
        "query": "(a:b) (x) | limit 3",
        "start": "@1769814000000000000",
        "end": "@1769900400000000000",
        "limit": "5",
    }


def test_csv_has_all_columns(server: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    server.rows = [{"id": "2", "b": 1}, {"id": "1", "a": 2}]
    assert answer(capsys, "-o", "csv", "--url", server.url) == "id,a,b\r\n1,2,\r\n2,,1\r\n"


def test_without_a_limit_csv_is_the_servers(server: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    server.scripted += [lambda _server, _body: (200, {}, b"a,b\r\n1,2\r\n")]
    assert answer(capsys, "-o", "csv", "-n", "0", "--url", server.url) == "a,b\r\n1,2\r\n"
    assert asked(server)["format"] == "csv"


def test_nothing_matched(stand_in: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "--url", stand_in.url]) == 0
    assert run(["query", "--fail-if-empty", "--url", stand_in.url]) == 4
    assert capsys.readouterr().out == ""


def test_something_matched(server: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    assert "m1" in answer(capsys, "--fail-if-empty", "--url", server.url)


def test_a_mistake_in_the_query_is_shown_at_its_place(server: "StandIn", capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"title": "Bad query", "detail": "unexpected ')' at character 1\n  )\n  ^"}
    server.scripted += [lambda _server, _body: (400, {}, json.dumps(problem).encode())]
    assert run(["query", ")", "--url", server.url]) == 1
    assert "unexpected ')' at character 1\n  )\n  ^" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["--since", "soon"], "--since", id="a time"),
        pytest.param(["--tz", "Atlantis"], "--tz", id="a zone"),
        pytest.param(["-o", "xml"], "xml", id="an output"),
        pytest.param(["-n", "-1"], "greater", id="a limit"),
        pytest.param(["a", "b"], "b", id="two queries"),
        pytest.param(["--nonsense"], "--nonsense", id="an option"),
    ],
)
def test_usage_errors(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", *arguments]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("http://127.0.0.1:1", "'logyard up' starts it", id="nobody listens"),
        pytest.param("ftp://127.0.0.1", "no address of a server", id="another protocol"),
        pytest.param("http://[bad", "no address of a server", id="no URL"),
    ],
)
def test_there_is_no_server(url: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "--url", url]) == 1
    assert reason in capsys.readouterr().err


def test_the_address_may_come_from_the_environment(
    server: "StandIn", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGYARD_URL", server.url.removeprefix("http://"))
    assert "m1" in answer(capsys)


@pytest.fixture
def is_colored(server: "StandIn", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Look:
    def look(variables: dict[str, str], flags: list[str]) -> bool:
        for name in ("NO_COLOR", "CLICOLOR_FORCE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return "\x1b[" in answer(capsys, *flags, "--url", server.url)

    return look


@pytest.mark.parametrize(
    ("variables", "flags"),
    [
        pytest.param({}, ["--color", "always"], id="asked for"),
        pytest.param({"CLICOLOR_FORCE": "1"}, [], id="CLICOLOR_FORCE"),
        pytest.param({"NO_COLOR": "1"}, ["--color", "always"], id="the flag wins over NO_COLOR"),
    ],
)
def test_in_colour(is_colored: Look, variables: dict[str, str], flags: list[str]) -> None:
    assert is_colored(variables, flags)


@pytest.mark.parametrize(
    ("variables", "flags"),
    [
        pytest.param({}, [], id="a pipe"),
        pytest.param({"CLICOLOR_FORCE": "0"}, [], id="CLICOLOR_FORCE=0"),
        pytest.param({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, [], id="NO_COLOR wins over it"),
        pytest.param({"CLICOLOR_FORCE": "1"}, ["--color", "never"], id="the flag wins"),
    ],
)
def test_in_black_and_white(is_colored: Look, variables: dict[str, str], flags: list[str]) -> None:
    assert not is_colored(variables, flags)


def test_a_reader_that_goes_away_is_no_failure(server: "StandIn") -> None:
    server.rows = NEWEST_FIRST * 20_000
    command = [sys.executable, "-m", "logyard", "query", "-r", "--url", server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(120) == 0
        assert process.stderr.read() == b""
