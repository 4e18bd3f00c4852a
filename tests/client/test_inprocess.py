import subprocess
import sys
from pathlib import Path

import pytest

import logyard
from logyard.errors import BadConfig, Closing, LogyardError


def test_what_was_stored_is_there_again(tmp_path: Path) -> None:
    with logyard.open(tmp_path / "data") as logs:
        logs.ingest([{"message": "kept"}])
    with logyard.open(tmp_path / "data") as logs:
        assert [row["message"] for row in logs.query("kept")] == ["kept"]


def test_settings(tmp_path: Path) -> None:
    with logyard.open(tmp_path / "data", {"ingest": {"ids": "sequential"}}) as logs:
        logs.ingest([{"message": "first"}])
        assert logs.get("1")["message"] == "first"


@pytest.mark.parametrize("settings", [{"retention": {"colour": 1}}, {"wal": 7}])
def test_settings_that_cannot_be_used(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(BadConfig, match="settings"):
        logyard.open(tmp_path / "data", settings)


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    with logyard.open(tmp_path / "data"):
        found = subprocess.run(
            [sys.executable, "-c", f"import logyard; logyard.open({str(tmp_path / 'data')!r})"],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert found.returncode == 1
    assert "logyard.errors." in found.stderr


def test_a_closed_one_says_so(tmp_path: Path) -> None:
    logs = logyard.open(tmp_path / "data")
    logs.close()
    logs.close()
    with pytest.raises((Closing, LogyardError, RuntimeError)):
        logs.stats()


def test_importing_the_package_loads_nothing() -> None:
    code = """
import logyard, sys
print([name for name in sys.modules if name.startswith("logyard")], "httpx" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "['logyard'] False\n"


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'logyard' has no attribute 'shut'"):
        getattr(logyard, "shut")  # noqa: B009 - the type checker knows it too
