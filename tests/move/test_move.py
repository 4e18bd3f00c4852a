"""Everything from one Logyard into another: while the first takes more, and killed at any moment.

``MOVE_KILLS`` says how often the mover is killed (3), ``MOVE_SEED`` repeats the moments.
"""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logyard.testing.server import Server, ServerOptions
from tests.move.commands import contents, fill, logyard, popen, rows_of, sql

ROWS = 20_000
KILLS = int(os.environ.get("MOVE_KILLS", "3"))
SEED = int(os.environ.get("MOVE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("source") / "data") as server:
        for first in range(0, ROWS, 5000):
            fill(server.url, first, 5000)
        fill(server.url, ROWS, 1, key="mine")
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "target") as server:
        yield server


def move(source: str, target: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return logyard("move", "--from", source, "--to", target, cwd=cwd)


def test_everything_arrives_and_is_verified(source: Server, target: Server, tmp_path: Path) -> None:
    said = move(source.url, target.url, tmp_path).stderr
    assert "the same on both sides" in said
    assert "verified by count and checksum" in said
    assert contents(target.url) == contents(source.url)
    assert [file.suffix for file in tmp_path.glob("logyard-*")] == [".moved"]
    assert fill(target.url, ROWS, 1, key="mine") == fill(source.url, ROWS, 1, key="mine")
    again = move(source.url, target.url, tmp_path).stderr
    assert "(0 of them new there" in again
    assert contents(target.url) == contents(source.url)


def test_what_comes_meanwhile_is_moved_too(target: Server, tmp_path: Path) -> None:
    with Server(tmp_path / "busy") as busy:
        fill(busy.url, 0, 5000)
        stop = threading.Event()
        sender = threading.Thread(target=send_until, args=(busy.url, stop))
        sender.start()
        try:
            said = move(busy.url, target.url, tmp_path).stderr
        finally:
            stop.set()
            sender.join()
        assert "verified by count and checksum" in said
        there, here = contents(target.url), contents(busy.url)
        assert 5000 <= rows_of(there) <= rows_of(here)
        move(busy.url, target.url, tmp_path)
        assert contents(target.url) == contents(busy.url)


def send_until(url: str, stop: threading.Event) -> None:
    first = 100_000
    while not stop.wait(0.05):  # a sender with a pace of its own
        fill(url, first, 50)
        first += 50


def test_what_the_target_has_of_its_own_stays(source: Server, target: Server, tmp_path: Path) -> None:
    fill(target.url, 500_000, 3000)
    mine = rows_of(contents(target.url))
    said = move(source.url, target.url, tmp_path).stderr
    assert "of its own" in said
    assert rows_of(contents(target.url)) == mine + rows_of(contents(source.url))
    doubled = sql(target.url, "SELECT count() - uniqExact(id) AS n FROM logs")
    assert doubled == [{"n": 0}]


def written(mover: "subprocess.Popen[str]", folder: Path) -> None:
    """Wait until the mover's journal has a line more, or the mover is done."""

    def size() -> int:
        return sum(file.stat().st_size for file in folder.glob("logyard-*"))

    before = size()
    while mover.poll() is None and size() == before:
        time.sleep(0.002)


@pytest.mark.slow
def test_a_mover_that_is_killed_goes_on(source: Server, target: Server, tmp_path: Path) -> None:
    moments = random.Random(SEED)
    caught = 0
    for kill in range(KILLS):
        with popen("move", "--from", source.url, "--to", target.url, cwd=tmp_path) as mover:
            written(mover, tmp_path)
            try:
                mover.wait(moments.uniform(0, 0.2) if kill else 0)
            except subprocess.TimeoutExpired:
                mover.send_signal(signal.SIGKILL)
                caught += 1
            mover.communicate()
        if not list(tmp_path.glob("*.moving")) and rows_of(contents(target.url)):
            break
    move(source.url, target.url, tmp_path)
    assert contents(target.url) == contents(source.url), f"MOVE_SEED={SEED}"
    assert caught, f"MOVE_SEED={SEED}: no kill came amid the move"


def test_a_target_that_is_killed_may_come_back(source: Server, tmp_path: Path) -> None:
    with Server(tmp_path / "target") as target:
        os.kill(target.pid, signal.SIGSTOP)  # however fast the mover is, it does not come to its end
        with popen("move", "--from", source.url, "--to", target.url, "--retry-for", "0", cwd=tmp_path) as mover:
            target.kill()
            _, said = mover.communicate(timeout=120)
        assert mover.returncode == 1
        assert target.url in said
        target.start()
        move(source.url, target.url, tmp_path)
        assert contents(target.url) == contents(source.url)


def test_a_target_that_was_emptied_is_filled_again(source: Server, tmp_path: Path) -> None:
    move(source.url, tmp_path / "new", tmp_path)
    (moved,) = tmp_path.glob("*.moved")
    moved.rename(moved.with_suffix(".moving"))  # as if it had been killed at its end
    shutil.rmtree(tmp_path / "new")
    move(source.url, tmp_path / "new", tmp_path)
    assert contents(tmp_path / "new") == contents(source.url)


def test_a_target_without_room_says_so(source: Server, tmp_path: Path) -> None:
    options = ServerOptions(settings={"http.body_bytes": 10_000})
    with Server(tmp_path / "small", options) as small:
        said = logyard("move", "--from", source.url, "--to", small.url, cwd=tmp_path, code=1)
    assert "over http.body_bytes 10000" in said.stderr


@pytest.mark.parametrize(
    ("source", "target", "code", "reason"),
    [
        pytest.param("./nothing", "./new", 1, "holds no data of a Logyard", id="no such directory"),
        pytest.param("http://127.0.0.1:9", "./new", 1, "cannot reach http://127.0.0.1:9", id="no such server"),
        pytest.param("./same", "./same/", 2, "is the source itself", id="onto itself"),
    ],
)
def test_a_wrong_way_is_refused(tmp_path: Path, source: str, target: str, code: int, reason: str) -> None:
    said = logyard("move", "--from", source, "--to", target, "--retry-for", "0", cwd=tmp_path, code=code)
    assert reason in " ".join(said.stderr.split())
