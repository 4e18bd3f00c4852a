"""Every example of docs/python.md runs against a real server, and mypy accepts it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.testing.server import Server

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "python.md").read_text(), re.MULTILINE | re.DOTALL)
URL = "http://127.0.0.1:8005"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "data") as found:
        yield found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.strip().splitlines()[-1][:40])
def test_an_example_runs(example: str, server: Server, tmp_path: Path) -> None:
    environment = ["env", f"LOGYARD_URL={server.url}"]
    program = ["-W", "error", "-c", example.replace(URL, server.url)]
    found = subprocess.run(
        [*environment, sys.executable, *program],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr


def test_mypy_accepts_the_examples(tmp_path: Path) -> None:
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"example_{number}.py").write_text(example)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    found = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert found.returncode == 0, found.stdout
