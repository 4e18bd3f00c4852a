"""docs/operations.md is true: its commands run as they stand, its configurations load."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.config import load
from logyard.store.descend import tiers_of
from logyard.testing.server import Server, ServerOptions
from tests.move.commands import contents, fill, rows_of
from tests.move.test_s3 import swift, variables

__all__ = ["swift", "variables"]

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
ROWS = 1000


@pytest.fixture(scope="module")
def shell(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder to work in, and an environment in which ``logyard`` is this one."""
    folder = tmp_path_factory.mktemp("operations")
    script = folder / "bin" / "logyard"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m logyard "$@"\n')
    script.chmod(0o755)
    settings = {name.removeprefix("LOGYARD__").lower().replace("__", "."): value for name, value in variables.items()}
    with (
        Server(folder / "data", ServerOptions(settings=settings)) as server,
        Server(folder / "other") as other,
    ):
        fill(server.url, 0, ROWS)
        path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
        urls = {"LOGYARD_URL": server.url, "OTHER_URL": other.url}
        yield folder, {**os.environ, **variables, "PATH": path, **urls}


def test_the_commands_run_in_order(shell: tuple[Path, dict[str, str]]) -> None:
    folder, variables = shell
    assert len(COMMANDS) >= 14
    for command in COMMANDS:
        done = subprocess.run(
            ["sh", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    wanted = contents(variables["LOGYARD_URL"])
    assert rows_of(wanted) == ROWS
    for place in (variables["OTHER_URL"], folder / "restored", folder / "fetched"):
        assert contents(place) == wanted
    assert rows_of(contents(folder / "imported")) == ROWS // 2


def test_the_configurations_load(tmp_path: Path) -> None:
    text = "\n".join(re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    (tmp_path / "secret").write_text("s")
    (tmp_path / "logyard.toml").write_text(text.replace("/run/secrets/s3", str(tmp_path / "secret")))
    below = tiers_of(load(tmp_path / "logyard.toml")).below
    assert [(tier.name, tier.place.url, tier.days) for tier in below] == [
        ("warm", "/mnt/slow/logyard", 7),
        ("cold", "s3://yard/cold", 30),
    ]
