"""Every example of docs/feed.md runs, mypy accepts it, and the demo does what it says."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.feed.demo import main
from logyard.feed.opening import FeedOptions
from logyard.testing.server import Server
from tests.feed.conftest import servers

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "feed.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
URL = "http://127.0.0.1:8005"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "data") as found:
        yield found


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number: int, server: Server, tmp_path: Path) -> None:
    program = ["-W", "error", "-c", EXAMPLES[number].replace(URL, server.url)]
    found = subprocess.run(
        [sys.executable, *program], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=240
    )
    assert found.returncode == 0, found.stderr
    assert not servers(tmp_path)


def test_mypy_accepts_the_examples(tmp_path: Path) -> None:
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"example_{number}.py").write_text(example)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    found = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("option", FeedOptions.__annotations__)
def test_an_option_is_documented(option: str) -> None:
    assert re.search(rf"`{option}\b|[ (]{option}=", PAGE), option


def test_the_demo_works() -> None:
    said = io.StringIO()
    assert main(said) == 0, said.getvalue()
    heads = ("Ingestion and querying", "Batches", "Filters", "Scaling", "Replication", "REST", "All of it worked")
    assert all(f"\n{head}" in f"\n{said.getvalue()}" for head in heads)
