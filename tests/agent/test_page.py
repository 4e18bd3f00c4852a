"""docs/containers.md: every line of its example works, one after the other."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec

from logyard.config import AgentConfig
from tests.agent.sites import Site, eventually

PAGE = (Path(__file__).parents[2] / "docs/containers.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_example_works(sites: Callable[[str], Site]) -> None:
    site = sites("process")
    printed = {}
    for line in block("sh").splitlines():
        done = subprocess.run(
            ["bash", "-c", line.replace("logyard ", f"{sys.executable} -m logyard ", 1)],
            capture_output=True,
            text=True,
            check=False,
            env={"LOGYARD_HOST": site.process.address, "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stderr
        printed[line] = done.stdout + done.stderr
        if " launch " in line:
            eventually(lambda: len(site.lines("hello")) == 2)
    assert printed["logyard logs hello"] == "order placed\ncard refused\n"
    assert printed["logyard logs -i refused hello"] == "card refused\n"
    assert "hello said: order placed\n" in printed["logyard logs -l app=demo --template '{container} said: {message}'"]
    assert printed["logyard exec hello -- echo done"] == "done\n"


def test_the_settings_are_there() -> None:
    assert msgspec.convert(tomllib.loads(block("toml"))["agent"], AgentConfig).tls_cert
