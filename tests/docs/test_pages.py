"""Pages with commands are true: these answer as the page says, to the letter where a seed makes them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from logyard.testing.server import Server

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    script = tmp_path / "bin" / "logyard"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m logyard "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("page", ["demo.md", "sidecar.md"])
def test_every_command_answers_as_it_says(tmp_path: Path, shell: dict[str, str], page: str) -> None:
    said = []
    blocks = BLOCK.findall((DOCS / page).read_text())
    with Server(tmp_path / "data") as server:
        environment = {**shell, "LOGYARD_URL": server.url}
        for block in blocks:
            for command, _ in COMMAND.findall(block):
                line = ["bash", "-c", command]
                done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
                assert done.stderr == ""
                said.append((command, done.stdout))
    assert said == [found for block in blocks for found in COMMAND.findall(block)]
