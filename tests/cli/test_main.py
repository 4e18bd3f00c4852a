"""The command itself: help, dispatch, exit codes, and what it costs to ask it something small."""

import subprocess
import sys

import pytest

from logyard.cli.main import COMMANDS, run

HEAVY = ("chdb", "httpx", "litestar", "msgspec", "polars", "rich", "typer", "uvicorn")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["--help"], id="--help"),
        pytest.param(["-h"], id="-h"),
        pytest.param(["help"], id="help"),
    ],
)
def test_the_overview_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said and summary in said for name, summary in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: logyard {name} ")
    assert run(["help", name]) == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("word", "hint"),
    [pytest.param("qurey", "Did you mean 'query'?", id="near"), pytest.param("xyz", "Try 'logyard --help'", id="far")],
)
def test_unknown_commands(word: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([word]) == 2
    assert hint in capsys.readouterr().err


def test_version_by_flag_and_by_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == run(["version"]) == 0
    first, second = capsys.readouterr().out.split("logyard ")[1:]
    assert first == second


def test_the_overview_imports_nothing_heavy() -> None:
    program = "import sys; from logyard.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert loaded.isdisjoint(HEAVY)


def test_the_overview_answers_at_once() -> None:
    """Some 40 modules more than a bare interpreter has: 15 ms of an idle machine, where 150 are allowed."""
    program = (
        "import sys; bare = set(sys.modules); from logyard.cli.main import run; run(['--help']); "
        "print(len(set(sys.modules) - bare), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stderr) < 80


def test_no_command_needs_the_engine_or_the_web_server_to_explain_itself() -> None:
    program = (
        "import sys\n"
        "from logyard.cli.main import COMMANDS, command_module\n"
        "for name in COMMANDS: command_module(name)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"chdb", "litestar", "uvicorn"}.isdisjoint(done.stdout.split())
