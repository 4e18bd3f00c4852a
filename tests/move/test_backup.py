"""Backups of a running server, and what comes back."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from logyard.testing.server import Server
from tests.move.commands import contents, fill, logyard, sql

ROWS = 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "data") as running:
        fill(running.url, 0, ROWS)
        fill(running.url, ROWS, 10, key="before")
        yield running


def sizes(place: Path) -> dict[str, int]:
    return {
        folder.name: sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        for folder in sorted(place.glob("*Z"))
    }


@pytest.fixture(scope="module")
def place(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full backup and two that go on from it."""
    folder = tmp_path_factory.mktemp("backups") / "here"
    logyard("backup", "--to", folder, "--url", server.url, cwd=folder.parent)
    for number in (1, 2):
        fill(server.url, 10_000 * number, 100)
        said = logyard("backup", "--to", folder, "--url", server.url, cwd=folder.parent)
        assert f"{ROWS + 10 + 100 * number:,} records" in said.stdout
    return folder


def test_what_is_there_is_not_written_again(place: Path) -> None:
    """Whatever the engine merged meanwhile: a part that one backup holds is in none of the later ones."""
    parts = [{part.name for part in (place / name).glob("data/default/logs/*")} for name in sizes(place)]
    assert len(parts) == 3
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_restored_it_is_what_it_was(place: Path, server: Server, tmp_path: Path) -> None:
    logyard("restore", "--from", place, "--data", tmp_path / "back", cwd=tmp_path)
    with Server(tmp_path / "back") as back:
        assert contents(back.url) == contents(server.url)
        assert facets(back.url) == facets(server.url)
        again = httpx.post(f"{back.url}/ingest", content=b'{"msg":"x"}', headers={"Idempotency-Key": "before"})
        first = httpx.post(f"{server.url}/ingest", content=b'{"msg":"x"}', headers={"Idempotency-Key": "before"})
        assert again.json() == first.json()
        assert "log_id" in again.json()
        assert contents(back.url) == contents(server.url)
        fill(back.url, 50_000, 5)
        ids = sql(back.url, "SELECT count() AS n, uniqExact(id) AS u FROM logs")
        assert ids == [{"n": ROWS + 215, "u": ROWS + 215}]


def test_an_earlier_one_can_be_chosen(place: Path, tmp_path: Path) -> None:
    name = min(sizes(place))
    said = logyard("restore", "--from", place, "--data", tmp_path / "back", "--name", name, cwd=tmp_path)
    assert f"{ROWS + 10:,} records of {name}" in said.stderr


def test_a_chain_may_lie_elsewhere(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "copied")
    logyard("backup", "verify", tmp_path / "copied", cwd=tmp_path)
    shutil.rmtree(tmp_path / "copied" / "store", ignore_errors=True)
    said = logyard("restore", "--from", "copied", "--data", "back", cwd=tmp_path)
    assert f"{ROWS + 210:,} records" in said.stderr


def facets(url: str) -> Any:
    return httpx.get(f"{url}/api/v1/facets", timeout=60).json()


def damaged(place: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the place, and the largest file of its oldest backup."""
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    files = (copy / min(sizes(copy))).rglob("data.bin")
    return copy, max(files, key=lambda file: file.stat().st_size)


def test_a_flipped_byte_is_found_and_named(place: Path, tmp_path: Path) -> None:
    copy, file = damaged(place, tmp_path)
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    said = logyard("backup", "verify", copy, cwd=tmp_path, code=1)
    assert "1 files" in said.stderr
    assert f"{file.relative_to(copy)} has changed" in said.stderr
    said = logyard("restore", "--from", copy, "--data", tmp_path / "back", cwd=tmp_path, code=1)
    assert file.name in said.stderr
    assert not (tmp_path / "back").exists()


def test_a_missing_and_a_cut_file_are_named(place: Path, tmp_path: Path) -> None:
    copy, file = damaged(place, tmp_path)
    with file.open("ab") as end:
        end.truncate(file.stat().st_size - 1)
    (file.parent / "checksums.txt").unlink()
    said = logyard("backup", "verify", copy, cwd=tmp_path, code=1)
    assert f"{(file.parent / 'checksums.txt').relative_to(copy)} is missing" in said.stderr
    assert f"{file.relative_to(copy)} has " in said.stderr


def test_a_backup_whose_base_is_gone_says_so(place: Path, tmp_path: Path) -> None:
    copy, _ = damaged(place, tmp_path)
    first = min(sizes(copy))
    (copy / f"{first}.backup").unlink()
    said = logyard("restore", "--from", copy, "--data", tmp_path / "back", cwd=tmp_path, code=1)
    assert f"needs {first}, which is gone" in said.stderr


def test_a_backup_without_its_manifest_never_happened(place: Path, tmp_path: Path) -> None:
    copy, _ = damaged(place, tmp_path)
    last = max(sizes(copy))
    (copy / f"{last}.backup").unlink()
    listed = logyard("backup", "list", copy, cwd=tmp_path).stdout
    assert last not in listed
    assert len(listed.splitlines()) == 2


def test_a_directory_that_is_not_empty_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("keep me")
    said = logyard("restore", "--from", place, "--data", tmp_path / "full", cwd=tmp_path, code=1)
    assert "is not empty" in said.stderr
    assert (tmp_path / "full" / "mine").read_text() == "keep me"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(["--to", "s3://bucket/prefix"], "s3.endpoint", id="object storage nobody named"),
        pytest.param(["--to", "ftp://x/y"], "neither the whole path of a folder nor s3", id="another scheme"),
        pytest.param(["--to", "/proc/nowhere"], "cannot write to /proc/nowhere", id="a folder that cannot be written"),
    ],
)
def test_a_place_that_cannot_be_is_refused(server: Server, tmp_path: Path, options: list[str], reason: str) -> None:
    said = logyard("backup", *options, "--url", server.url, cwd=tmp_path, code=1)
    assert reason in said.stderr
    assert httpx.get(f"{server.url}/readyz").is_success


def test_a_page_in_a_browser_cannot_start_one(server: Server, tmp_path: Path) -> None:
    answer = httpx.post(
        f"{server.url}/api/v1/admin/backup",
        json={"to": str(tmp_path / "theirs")},
        headers={"Origin": "http://elsewhere"},
    )
    assert answer.status_code == 400
    assert "Origin" in answer.text
    assert not (tmp_path / "theirs").exists()


def test_a_stopped_directory_will_do(place: Path, tmp_path: Path) -> None:
    logyard("restore", "--from", place, "--data", "back", cwd=tmp_path)
    said = logyard("backup", "--to", "again", "--data", "back", cwd=tmp_path)
    assert f"{ROWS + 210:,} records" in said.stdout
    assert "as they were written" in logyard("backup", "verify", "again", cwd=tmp_path).stdout


def test_a_terminal_sees_a_bar(place: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "logyard", "backup", "verify", str(place)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while piece := read(ours):
            said += piece
    os.close(ours)
    assert process.returncode == 0
    assert b"bytes" in said
    assert b"\x1b[" in said


def read(terminal: int) -> bytes:
    """What is there; nothing when the other side has gone."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
