"""One engine a process: every test of this folder shares it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.store.embedded import EmbeddedStore


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A real engine on a directory of its own."""
    opened = EmbeddedStore(tmp_path_factory.mktemp("engine") / "store")
    yield opened
    opened.close()


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """Where a segment's file may be written."""
    return tmp_path / "00000000000000000001.lines.sealed"
