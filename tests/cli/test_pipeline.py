"""``logyard pipeline``: its tests, its preview, what is shipped."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logyard.cli.main import run
from logyard.pipeline.included import shipped_names, shipped_text

if TYPE_CHECKING:
    from tests.cli.conftest import StandIn

Capture = pytest.CaptureFixture[str]

PIPELINE = """
[[pipeline]]
type = "drop"
where = "noise"

[[pipeline]]
type = "set"
fields = { team = "shop" }
when = "service:checkout"
"""
TESTS = """
[[tests]]
name = "noise goes"
input = ["noise", { message = "x", service = "checkout", a = { b = 1 } }]
output = [{ message = "x", team = "shop", "a.b" = 1, host = "" }]

[[tests]]
name = "nothing else is there"
exact = true
input = [{ message = "x", service = "checkout" }]
output = [{ message = "x", team = "TEAM" }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(PIPELINE + TESTS.replace("TEAM", "shop"))
    return path


def test_tests_that_pass(file: Path, capsys: Capture) -> None:
    assert run(["pipeline", "test", str(file)]) == 0
    said = capsys.readouterr()
    assert said.out == "ok    noise goes\nok    nothing else is there\n"
    assert said.err == "2 passed, 0 failed\n"


def test_a_test_that_fails_says_what_differs(file: Path, capsys: Capture) -> None:
    file.write_text(PIPELINE + TESTS.replace("TEAM", "other").replace('["noise", ', '["quiet", '))
    assert run(["pipeline", "test", str(file)]) == 1
    said = capsys.readouterr()
    first, second = said.out.split("FAIL")[1:]
    assert first.startswith("  noise goes\n      1 records must come out; there are 2:\n")
    assert '      + team = "shop"' in second
    assert '      - team = "other"' in second
    assert said.err == "0 passed, 2 failed\n"
    assert run(["pipeline", "test", str(file), "-o", "json"]) == 1
    assert [each["passed"] for each in json.loads(capsys.readouterr().out)] == [False, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(PIPELINE, "holds no [[tests]]", id="no tests"),
        pytest.param(TESTS, "holds no [[pipeline]]", id="no pipeline"),
        pytest.param(
            PIPELINE + '[[tests]]\nname = "x"\n', "tests[0]: Object missing required field `input`", id="half"
        ),
        pytest.param('[[pipeline]]\ninclude = "/no/file"\n' + TESTS, "cannot read /no/file", id="include"),
        pytest.param('[[pipeline]]\ninclude = "topics"\n' + TESTS, "topics is no pipeline", id="rules for tags"),
        pytest.param('[[pipeline]]\ninclude = "sidecar"\nwhen = "a"\n' + TESTS, "stands alone", id="include and more"),
        pytest.param('[[pipeline]]\ntype = "nope"\n' + TESTS, "there is no 'nope'", id="no such step"),
    ],
)
def test_a_file_that_cannot_be_used(file: Path, text: str, says: str, capsys: Capture) -> None:
    file.write_text(text)
    assert run(["pipeline", "test", str(file)]) == 1
    assert says in capsys.readouterr().err


def test_a_file_that_includes_itself(file: Path, capsys: Capture) -> None:
    file.write_text(f'[[pipeline]]\ninclude = "{file}"\n' + TESTS)
    assert run(["pipeline", "test", str(file)]) == 1
    assert "includes itself" in capsys.readouterr().err


def test_a_configuration_holds_pipeline_and_tests(file: Path, capsys: Capture) -> None:
    file.write_text('listen = "127.0.0.1:0"\n[[pipeline]]\ninclude = "sidecar"\n' + TESTS)
    assert run(["config", "check", str(file)]) == 0
    file.write_text('[[pipeline]]\ninclude = "nowhere"\n')
    assert run(["config", "check", str(file)]) == 1
    assert "pipeline[0]" in capsys.readouterr().out.partition("nowhere")[0]


def test_what_a_pipeline_makes_of_a_file(file: Path, tmp_path: Path, capsys: Capture) -> None:
    sample = tmp_path / "checkout.log"
    sample.write_text('noise\n{"message":"sold \\u001b[31m","n":1}\nnever seen\n')
    assert run(["pipeline", "preview", str(file), str(sample), "-n", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1  noise\n  left out\n\n2  sold \\x1b[31m\n")
    assert '  + team = "shop"\n' in shown
    assert "\n2 records in, 1 out, 0 with processing_error; " in shown
    assert "never" not in shown


def test_what_a_pipeline_makes_of_stdin(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\n")))
    assert run(["pipeline", "preview", str(file), "-", "--source", "/x/checkout.log", "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["after"][0]["team"] for each in shown["records"]] == ["shop", "shop"]
    assert shown["records"][0]["before"]["source"] == "/x/checkout.log"


def test_what_a_pipeline_makes_of_stored_records(file: Path, stand_in: "StandIn", capsys: Capture) -> None:
    stand_in.rows = [{"id": "7", "timestamp": "2026-01-31T14:03:07Z", "service": "checkout", "message": "m", "n": 5}]
    command = ["pipeline", "preview", str(file), "--query", "*", "--url", stand_in.url, "-o", "json"]
    assert run(command) == 0
    (record,) = json.loads(capsys.readouterr().out)["records"]
    assert record["before"] == {
        "timestamp": "2026-01-31T14:03:07Z", "service": "checkout", "message": "m", "n": 5,
    }  # fmt: skip
    assert record["after"] == [{**record["before"], "team": "shop"}]


def test_a_sample_must_be_named_and_there(file: Path, capsys: Capture) -> None:
    assert run(["pipeline", "preview", str(file)]) == 2
    assert run(["pipeline", "preview", str(file), "/no/such.log"]) == 1
    assert "cannot read /no/such.log" in capsys.readouterr().err


def test_what_is_shipped_is_listed_and_printed(capsys: Capture) -> None:
    assert run(["pipeline", "list"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == shipped_names()
    assert run(["pipeline", "show", "sidecar"]) == 0
    assert capsys.readouterr().out == shipped_text("sidecar")
    assert run(["pipeline", "show", "nope"]) == 1
    assert "there are: sidecar, topics" in capsys.readouterr().err


def test_a_copy_that_was_changed_works_like_what_is_shipped(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(shipped_text("sidecar").replace('"very_slow"', '"crawling"'))
    assert run(["pipeline", "test", str(copy)]) == 0
    (tmp_path / "other.toml").write_text(f'[[pipeline]]\ninclude = "{copy}"\n')
    assert run(["config", "check", str(tmp_path / "other.toml")]) == 0
