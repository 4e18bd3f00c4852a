"""``logyard version``."""

import json
import platform

import pytest

from logyard import __version__
from logyard.cli.main import run


def test_text_begins_with_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["logyard", __version__]


def test_json_names_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["logyard"] == __version__
    assert found["python"] == platform.python_version()
    assert found["polars"]
