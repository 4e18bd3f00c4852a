"""``logyard config``: all mistakes at once, the effective settings, the schema."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from logyard.cli.checking import mistakes
from logyard.cli.config import MASK, masked, toml
from logyard.cli.main import run
from logyard.cli.settings import attribute_docs, json_schema, settings_of
from logyard.config import Config, HttpConfig, load

Write = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "logyard.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        pytest.param({}, [], id="nothing is good"),
        pytest.param({"wal": {"segment_rows": 5}}, [], id="a good one"),
        pytest.param({"data": 5}, ["data: Expected `Path`, got `int`"], id="a wrong type"),
        pytest.param({"dta": "x"}, ["dta: there is no such setting; did you mean 'data'?"], id="a slip"),
        pytest.param({"zzz": 1}, ["zzz: there is no such setting"], id="nothing like it"),
        pytest.param({"wal": {"segment_rows": 0}}, ["wal.segment_rows: Expected `int` >= 1"], id="out of range"),
        pytest.param({"wal": 5}, ["wal: Expected `object`, got `int`"], id="a value for a section"),
        pytest.param(
            {"http": {"cors_origins": ["a", 5]}}, ["http.cors_origins[1]: Expected `str`, got `int`"], id="in a list"
        ),
        pytest.param({"pipeline": 5}, ["pipeline: Expected `array`, got `int`"], id="no pipeline"),
        pytest.param({"pipeline": [{}]}, ["pipeline[0]: says no type"], id="a step without a type"),
    ],
)
def test_mistakes(tree: dict[str, object], found: list[str]) -> None:
    assert mistakes(tree) == found


def test_an_unknown_step_is_named_with_those_there_are() -> None:
    (found,) = mistakes({"pipeline": [{"type": "nope"}]})
    assert found.startswith("pipeline[0].type: there is no 'nope' under steps; there are: ")


def test_check_prints_all_and_fails(file: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = file("data = 5\n[wal]\nsegment_byte = 1\n[tail]\nbuffer_rows = 0\n")
    assert run(["config", "check", str(path)]) == 1
    said = capsys.readouterr()
    assert [line.partition(":")[0] for line in said.out.splitlines()] == [
        "data",
        "wal.segment_byte",
        "tail.buffer_rows",
    ]
    assert said.err == f"{path}: 3 mistakes\n"


def test_check_of_a_good_file(file: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = file("[retention]\nage_days = 30\n")
    assert run(["config", "check", str(path)]) == 0
    assert capsys.readouterr() == ("", f"{path}: good\n")


def test_check_without_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check"]) == 0
    assert capsys.readouterr().err == "the environment: good\n"
    monkeypatch.setenv("LOGYARD__WAL__SEGMENT_BYTES", "many")
    assert run(["config", "check"]) == 1
    said = capsys.readouterr()
    assert "wal.segment_bytes" in said.out
    assert said.err == "the environment: 1 mistake\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("data = ", "Invalid value", id="no TOML"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
def test_a_file_that_cannot_be_read(
    file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, text: str | None, reason: str
) -> None:
    path = tmp_path / "missing.toml" if text is None else file(text)
    assert run(["config", "check", str(path)]) == 1
    assert reason in capsys.readouterr().err


def test_show_is_a_configuration_file(file: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = file('[wal]\nsegment_rows = 7\n[[pipeline]]\ntype = "tag"\nadd = ["a \\" b"]\n')
    assert run(["config", "show", "--config", str(path)]) == 0
    again = file(capsys.readouterr().out)
    assert load(again) == load(path)
    assert load(again).wal.segment_rows == 7


def test_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["listen"] == Config().listen


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        pytest.param(
            {"redis_url": "redis://me:hunter2@host:6379/0"},
            {"redis_url": f"redis://me:{MASK}@host:6379/0"},
            id="a login",
        ),
        pytest.param({"redis_url": "redis://:hunter2@h"}, {"redis_url": f"redis://:{MASK}@h"}, id="without a name"),
        pytest.param({"redis_url": "redis://h:6379"}, {"redis_url": "redis://h:6379"}, id="no login"),
        pytest.param({"password": "x"}, {"password": MASK}, id="by its name"),
        pytest.param({"api_key": "x", "keys": ["a"]}, {"api_key": MASK, "keys": [MASK]}, id="keys"),
        pytest.param({"keyed": "x"}, {"keyed": "x"}, id="not every key"),
        pytest.param({"password": ""}, {"password": ""}, id="an empty one says so"),
        pytest.param({"password_file": "/run/x"}, {"password_file": "/run/x"}, id="the name of a file"),
        pytest.param({"pipeline": [{"token": "x"}]}, {"pipeline": [{"token": MASK}]}, id="at any depth"),
        pytest.param(
            {"outputs": [{"bearer": "x", "headers": {"Authorization": "Basic x", "X-Api-Key": "x", "X-Team": "a"}}]},
            {"outputs": [{"bearer": MASK, "headers": {"Authorization": MASK, "X-Api-Key": MASK, "X-Team": "a"}}]},
            id="what an output shows to the other side",
        ),
    ],
)
def test_secrets_are_masked(tree: dict[str, object], shown: dict[str, object]) -> None:
    assert masked(tree) == shown


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param({"a": 1, "b": {"c": True, "d": {"e": 1.5}}, "z": "last"}, id="sections come last"),
        pytest.param({"text": 'quo"te \\ \n \x7f \x00 \u2028'}, id="every kind of text"),
        pytest.param({"a b": {"c.d": [1, 2]}}, id="keys that need quotes"),
        pytest.param({"steps": [{"type": "a", "map": {"x": "y"}}, {"type": "b"}]}, id="tables in a list"),
        pytest.param({"empty": [], "none": {}}, id="nothing in it"),
    ],
)
def test_toml_is_read_back(tree: dict[str, Any]) -> None:
    assert tomllib.loads("".join(toml(tree))) == tree


def test_the_schema_describes_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    definitions = schema["$defs"]
    for setting in settings_of(Config):
        section, _, name = setting.path.rpartition(".")
        definition = f"{section.capitalize()}Config" if section else "Config"
        assert definitions[definition]["properties"][name].get("description", "") == setting.about


def test_the_schema_knows_bounds_and_forbids_slips() -> None:
    definitions: Any = json_schema(Config)["$defs"]
    assert definitions["WalConfig"]["properties"]["segment_rows"]["exclusiveMinimum"] == 0
    assert definitions["Config"]["additionalProperties"] is False
    assert definitions["Config"]["properties"]["data"]["type"] == "string"


def test_attribute_docs_are_one_paragraph() -> None:
    assert attribute_docs(HttpConfig)["body_bytes"] == "Longest request body, after decompression. Beyond it: 413."


def test_settings_tell_type_and_default() -> None:
    class Sample(msgspec.Struct):
        needed: str
        many: tuple[int, ...] = ()
        """Several of them."""

    needed, many = settings_of(Sample, path="sample")
    assert (needed.path, needed.kind, needed.default) == ("sample.needed", "text", msgspec.NODEFAULT)
    assert (many.path, many.kind, many.default, many.about) == (
        "sample.many",
        "list of integer",
        (),
        "Several of them.",
    )
