"""Real log files through the real command into a real server, and back: complete, in order, byte for byte.

What ``logyard send`` documents to change is all that may differ: the line's end is not part of the line, blank lines
are skipped, and bytes that are not UTF-8 become U+FFFD.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import pytest

from logyard.testing.server import Server

SYSTEMS = ["Apache", "BGL", "HDFS", "Hadoop", "HealthApp", "Linux", "OpenSSH", "Proxifier", "Windows", "Zookeeper"]

NASTY = (
    b"plain\r\n"
    b"  indented, and with blanks behind  \n"
    b"\ttab\tand \x1b[31mred\x1b[0m and a bell \x07\n"
    b"\n"
    b'{"this is": no JSON\n'
    b'"quoted" \\ backslash \\n no newline\n'
    b"gr\xc3\xbc\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\xa6\x86\n"
    b"broken \xff\xfe bytes \xc3\n"
    b"12\n"
    b"null\n"
    b"[1,2]\n"
    b"a\x00zero\n"
    b"carriage\rreturn within\n"
    b"plain\n" + b"x" * 70_000 + b"\n"
    b"the last one without an end"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("loghub") / "data") as running:
        yield running


def logyard(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "logyard", *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=120, env={**os.environ, "NO_COLOR": "1"})


def lines_of(raw: bytes) -> Sequence[str]:
    lines = [line.removesuffix(b"\r").decode("utf-8", "replace") for line in raw.split(b"\n")]
    return [line for line in lines if line.strip()]


def sent_and_found(server: Server, path: Path, service: str) -> tuple[Sequence[str], Sequence[str]]:
    """By the API and by the command, which must agree."""
    logyard("send", str(path), "--service", service, "--url", server.url, "--quiet")
    answer = httpx.get(f"{server.url}/logs/{quote(service)}", params={"limit": 10_000}, timeout=60).json()
    by_api = [entry["message"] for entry in answer["logs"]]
    asked = logyard("query", f'service:="{service}"', "-n", "0", "-o", "ndjson", "--url", server.url)
    by_command = [msgspec.json.decode(line)["message"] for line in asked.stdout.splitlines()]
    assert by_api == by_command
    return lines_of(path.read_bytes()), by_api


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_loghub_system_comes_back_whole_and_in_order(server: Server, shared_data: Path, system: str) -> None:
    path = shared_data / "patterns" / "loghub_2k" / system / f"{system}_2k.log"
    sent, found = sent_and_found(server, path, f"loghub {system}")
    assert len(sent) >= 1_999
    assert found == sent


def test_a_file_of_nasty_lines_comes_back_whole_and_in_order(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "nasty.log"
    path.write_bytes(NASTY)
    sent, found = sent_and_found(server, path, "nasty")
    assert len(sent) == 15
    assert found == sent


def test_a_long_file_in_many_blocks_comes_back_whole_and_in_order(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    rows = [f"{number} " + "long lines make many blocks " * 40 for number in range(9_000)]
    path.write_text("\n".join(rows))
    sent, found = sent_and_found(server, path, "long")
    assert sent == rows
    assert found == rows
