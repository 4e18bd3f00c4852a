"""Servers of our own in processes of their own."""

import os
import signal
from pathlib import Path

import pytest

from logyard.errors import BadConfig, NotNow
from logyard.feed import create_log_service
from logyard.feed.process import ServerProcess
from tests.feed.conftest import servers, until


def test_one_that_has_ended_is_started_again_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "data", {"ingest.ids": "sequential"}, timeout=60)
    client = process.client()
    client.ingest([{"message": "first"}])
    assert client.get("1")["message"] == "first"
    pid = process.pid
    assert servers(tmp_path) == [pid]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not servers(tmp_path))
    until(lambda: _gone(process))
    process.revive()
    process.revive()
    assert process.client().get("1")["message"] == "first"
    assert servers(tmp_path) == [process.pid] != [pid]
    process.close()
    process.close()
    assert servers(tmp_path) == []
    with pytest.raises(NotNow, match="has been stopped"):
        process.revive()


def test_one_that_cannot_begin_says_why(tmp_path: Path) -> None:
    with (
        create_log_service(tmp_path / "data"),
        pytest.raises(NotNow, match=r"no server can be started on .*it said: .+"),
    ):
        ServerProcess(tmp_path / "data", {}, timeout=5)
    assert servers(tmp_path) == []


def test_a_place_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfig, match="cannot be made a directory"):
        create_log_service([tmp_path / "file", "memory"], use_replication=True)


def _gone(process: ServerProcess) -> bool:
    try:
        process.client()
    except NotNow as error:
        return "has ended" in str(error)
    return False
