"""``logyard components``: what there is, and one of them in full."""

import json

import pytest

from logyard.cli.main import run
from logyard.registry import describe

ALL = [(family, component.name) for family, component in describe()]
FAMILY, NAME = ALL[0]


def test_the_list_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["components"]) == 0
    assert [tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()] == ALL


def test_one_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["components", FAMILY, "-o", "json"]) == 0
    found = [(each["family"], each["name"]) for each in json.loads(capsys.readouterr().out)]
    assert found == [part for part in ALL if part[0] == FAMILY]


@pytest.mark.parametrize(("family", "name"), ALL, ids="/".join)
def test_one_in_full(family: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["components", family, name]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{family}/{name}: ")
    assert "Settings:" in said
    assert "Example:" in said


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        pytest.param(["fish"], 2, "there is no family 'fish'", id="no such family"),
        pytest.param([FAMILY, "fish"], 1, "there is no 'fish' under", id="no such component"),
    ],
)
def test_what_there_is_not(arguments: list[str], code: int, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["components", *arguments]) == code
    assert reason in capsys.readouterr().err
