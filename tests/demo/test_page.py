"""docs/demo.md is true: its commands answer as it says, to the letter where a seed makes them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from logyard.testing.server import Server

PAGE = Path(__file__).parents[2] / "docs" / "demo.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    script = tmp_path / "bin" / "logyard"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m logyard "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


def test_every_command_answers_as_it_says(tmp_path: Path, shell: dict[str, str]) -> None:
    said = []
    with Server(tmp_path / "data") as server:
        environment = {**shell, "LOGYARD_URL": server.url}
        for block in BLOCK.findall(PAGE.read_text()):
            for command, _ in COMMAND.findall(block):
                line = ["bash", "-c", command]
                done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
                assert done.stderr == ""
                said.append((command, done.stdout))
    assert said == [found for block in BLOCK.findall(PAGE.read_text()) for found in COMMAND.findall(block)]
