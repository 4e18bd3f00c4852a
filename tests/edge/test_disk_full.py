"""The disk under a ``logyard ship`` is full, and free again: nothing is lost, nothing is stored twice."""

from pathlib import Path

from logyard.testing.server import Server
from logyard.testing.shipper import Shipper
from tests.edge.conftest import stored, wait_until
from tests.faults.test_disk_full import BALLAST, fill, small_disk

__all__ = ["small_disk"]


def test_reading_waits_for_room(server: Server, home: Path, small_disk: Path) -> None:
    log, want = home / "a.log", {f"line {number} {'x' * 500}" for number in range(20_000)}
    config = home / "ship.toml"
    config.write_text("[wal]\nmin_free_bytes = 1\nsegment_seconds = 0.3\n")
    arguments = [f"{home}/*.log", "--to", server.url, "--config", str(config)]
    with Shipper(small_disk / "state", arguments) as shipper:
        log.write_text("first\n")
        wait_until(lambda: stored(server, home) == {"first": 1}, shipper.output)
        fill(small_disk)
        with log.open("a") as file:
            file.writelines(line + "\n" for line in sorted(want))
        shipper.kill()
        shipper.start()
        wait_until(lambda: shipper.output().count("shipping to") > 1, shipper.output)
        (small_disk / BALLAST).unlink()
        if shipper.ended:
            shipper.start()  # not even a lock could be written
        wait_until(lambda: len(stored(server, home)) == len(want) + 1, shipper.output, seconds=240)
        assert set(stored(server, home).values()) == {1}
        assert shipper.stop() == 0
