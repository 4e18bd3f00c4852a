"""One engine a process at a time: the tests of one file share it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.store.embedded import EmbeddedStore


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A real engine on a directory of its own."""
    opened = EmbeddedStore(tmp_path_factory.mktemp("engine") / "store")
    yield opened
    opened.close()


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """Where a segment's file may be written."""
    return tmp_path / "00000000000000000001.lines.sealed"
