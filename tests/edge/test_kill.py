"""SIGKILL of the shipping process, again and again, under rotation of every kind: nothing lost, nothing stored twice.

``SHIP_KILLS`` says how often (8), ``SHIP_SEED`` repeats a run.
"""

import gzip
import os
import random
import shutil
import threading
from pathlib import Path

import pytest

from logyard.testing.server import Server
from logyard.testing.shipper import Shipper
from tests.edge.conftest import stored, wait_until

KILLS = int(os.environ.get("SHIP_KILLS", "8"))
SEED = int(os.environ.get("SHIP_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

_HALF = 0.5
_LATER = 2

pytestmark = pytest.mark.slow


class Writer:
    """Writes numbered lines to some logs and rotates them, until it is told to stop; nothing that it removes is unread
    for good: what is rotated stays.
    """

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.lines: list[str] = []
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._turn = 0
        self._later: list[Path] = []
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            name = self._random.choice("abc")
            with (self.home / f"{name}.log").open("a") as file:
                for _ in range(self._random.randint(1, 60)):
                    line = f"{name} {len(self.lines)} {'x' * self._random.randint(0, 200)}"
                    self.lines.append(line)
                    file.write(line + "\n")
            if self._random.random() < 0.04:
                self._rotate(name)

    def _rotate(self, name: str) -> None:
        """By what comes: a new name, or a copy and a cut; with compression, at once or after the next rotations."""
        self._turn += 1
        path, to = self.home / f"{name}.log", self.home / f"{name}.log.{self._turn}"
        if self._random.random() < _HALF:
            path.rename(to)
        else:
            self._copytruncate(path, to)
        what = self._random.choice(["stays", "is compressed", "is compressed later"])
        if what == "is compressed":
            self._compress(to)
        elif what == "is compressed later":
            self._later.append(to)
        if len(self._later) > _LATER:
            self._compress(self._later.pop(0))
        # Inode numbers are given out again at once: somebody takes some and lets them go.
        (self.home / "passing.tmp").write_text("x")
        (self.home / "passing.tmp").unlink()

    def _copytruncate(self, path: Path, to: Path) -> None:
        if self._random.random() < _HALF:
            shutil.copyfile(path, to)
        else:
            content = path.read_bytes()
            with to.open("wb", buffering=0) as copy:
                copy.write(content[: len(content) // 2])
                self._stop.wait(0.3)  # a copy takes its time, and is met half-way
                copy.write(content[len(content) // 2 :])
        os.truncate(path, 0)

    def _compress(self, path: Path) -> None:
        packed = self.home / f"{path.name}.tmp"
        packed.write_bytes(gzip.compress(path.read_bytes(), 1))
        packed.rename(f"{path}.gz")
        path.unlink()


def test_sigkill_at_random_points_under_load(server: Server, home: Path, tmp_path: Path) -> None:
    """Nothing is lost and nothing is twice, also when the kill comes between log and checkpoint."""
    moments = random.Random(SEED)
    writer = Writer(home, SEED)
    shipper = Shipper(tmp_path / "state", [f"{home}/*.log*", "--exclude", "*.tmp", "--to", server.url])
    try:
        for _ in range(KILLS):
            shipper.start()
            pause = threading.Event()
            pause.wait(moments.uniform(0.8, 2.5))  # the moment of the kill, not a condition
            shipper.kill()
        writer.stop()
        shipper.start()
        want = set(writer.lines)

        def state() -> str:
            found = stored(server, home)
            missing, twice = want - found.keys(), [line for line, count in found.items() if count > 1]
            said = f"{len(missing)} missing {sorted(missing)[:3]}, {len(twice)} twice {twice[:3]}"
            return f"SHIP_SEED={SEED}: {said}\n{shipper.output()[-2000:]}"

        wait_until(lambda: stored(server, home).keys() >= want, state, seconds=240)
        assert shipper.stop() == 0
        found = stored(server, home)
        assert found.keys() == want, state()
        assert set(found.values()) == {1}, state()
    finally:
        writer.stop()
        shipper.kill()
