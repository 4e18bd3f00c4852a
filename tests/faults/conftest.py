"""What the tests of faults share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real log files and malformed ones, beside the repository; not part of it."""
    found = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    if not found.is_dir():
        pytest.skip("shared/data, the collection of real logs, is not on this machine")
    return found
