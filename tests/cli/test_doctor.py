"""``logyard doctor``: looks at the real machine; bad news is made, not imagined."""

import json
import socket
from pathlib import Path

import msgspec
import pytest

from logyard.cli.doctor import CHECKS, State
from logyard.cli.main import run
from logyard.config import Config, WalConfig


def state(config: Config, check: str) -> State:
    finding = CHECKS[check](config)
    assert finding.check == check
    return finding.state


def test_everything_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "not" / "there" / "yet"
    assert run(["doctor", "--data", str(data), "--listen", "127.0.0.1:0", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [finding["check"] for finding in found] == list(CHECKS)
    assert not data.exists()
    assert all(finding["advice"] for finding in found if finding["state"] != "ok")


def test_a_taken_port_fails_and_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run(["doctor", "--data", str(tmp_path), "--listen", listen]) == 1
    said = capsys.readouterr().out
    assert f"fail  port        {listen}: Address already in use" in said
    assert "-> is Logyard running already?" in said


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "127.0.0.1:", "300.0.0.1:80"])
def test_an_address_that_is_none(tmp_path: Path, listen: str) -> None:
    assert state(Config(data=tmp_path, listen=listen), "port") is State.FAIL


@pytest.mark.parametrize(
    ("wal", "wanted"),
    [
        pytest.param(WalConfig(), State.OK, id="enough"),
        pytest.param(WalConfig(max_bytes=1 << 60), State.WARN, id="less than a full log may take"),
        pytest.param(WalConfig(min_free_bytes=1 << 60), State.FAIL, id="less than ingest needs"),
    ],
)
def test_disk_space(tmp_path: Path, wal: WalConfig, wanted: State) -> None:
    assert state(Config(data=tmp_path, listen="127.0.0.1:0", wal=wal), "disk space") is wanted


def test_a_directory_that_cannot_be_written_fails() -> None:
    assert state(Config(data=Path("/proc/self"), listen="127.0.0.1:0"), "disk speed") is State.FAIL


def test_more_memory_for_queries_than_there_is(tmp_path: Path) -> None:
    config = msgspec.structs.replace(Config(), data=tmp_path, listen="127.0.0.1:0")
    query = msgspec.structs.replace(config.query, max_memory=1 << 60)
    assert state(msgspec.structs.replace(config, query=query), "memory") is State.WARN
