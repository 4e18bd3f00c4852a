"""What a ``logyard ship`` meets in a long life: a server that is away, a kernel that forgets what it had to tell."""

import contextlib
import signal
from pathlib import Path

import httpx

from logyard.testing.ports import free_port
from logyard.testing.server import Server, ServerOptions
from logyard.testing.shipper import Shipper
from tests.edge.conftest import stored, wait_until
from tests.edge.test_ship import write

_SEGMENTS = 3
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def test_inotify_queue_overflow(server: Server, home: Path, tmp_path: Path) -> None:
    """More happens than the kernel keeps in mind while the process stands still: it looks for itself."""
    write(home / "a.log", "one")
    with Shipper(tmp_path / "state", [f"{home}/*.log", "--to", server.url]) as shipper:
        wait_until(lambda: stored(server, home) == {"one": 1}, shipper.output)
        shipper.signal(signal.SIGSTOP)
        for number in range(int(QUEUE.read_text()) // 2 + 1):
            # Made, and gone: two events at least.
            (home / f"{number}.tmp").touch()
            (home / f"{number}.tmp").unlink()
        write(home / "a.log", "two")
        write(home / "b.log", "three")
        (home / "a.log").rename(home / "a.log.1")
        write(home / "a.log", "four")
        shipper.signal(signal.SIGCONT)
        wait_until(lambda: stored(server, home) == dict.fromkeys(["one", "two", "three", "four"], 1), shipper.output)
        write(home / "b.log", "five")
        wait_until(lambda: stored(server, home).get("five") == 1, shipper.output)
        assert shipper.stop() == 0


def test_server_away_and_back(home: Path, tmp_path: Path) -> None:
    """Killed amid what it is sent; away until more has been written, rotated and put into the log, and until the
    shipper has been killed as well; then back.
    """
    port, listen = free_port(), f"127.0.0.1:{free_port()}"
    options = ServerOptions(settings={"wal.segment_seconds": 0.3}, port=port)
    log, want = home / "a.log", [f"line {number} {'x' * 100}" for number in range(9000)]
    arguments = [f"{home}/*.log*", "--to", f"http://127.0.0.1:{port}", "--listen", listen]

    def pending() -> int:
        with contextlib.suppress(httpx.TransportError):  # it has just been started
            return int(httpx.get(f"http://{listen}/stats", timeout=120).json()["total_pending"])
        return 0

    with Server(tmp_path / "data", options) as server, Shipper(tmp_path / "state", arguments) as shipper:
        log.write_text("".join(line + "\n" for line in want[:3000]))
        wait_until(lambda: bool(stored(server, home)), shipper.output)
        server.kill()
        with log.open("a") as file:
            file.writelines(line + "\n" for line in want[3000:6000])
        wait_until(lambda: pending() >= 3000, shipper.output)
        log.rename(f"{log}.1")
        log.write_text("".join(line + "\n" for line in want[6000:]))
        shipper.kill()
        shipper.start()
        wait_until(lambda: shipper.output().count("shipping to") > 1, shipper.output)
        wait_until(lambda: pending() >= 6000, shipper.output)
        server.start()
        wait_until(lambda: len(stored(server, home)) == len(want), shipper.output, seconds=240)
        assert shipper.stop() == 0
        assert stored(server, home) == dict.fromkeys(want, 1)


def test_storage_deletes_checksum_corrupted_chunk_on_startup(server: Server, home: Path, tmp_path: Path) -> None:
    """A segment of the log is damaged while nobody looks: it is put aside, what lies around it is shipped."""
    log, state = home / "a.log", tmp_path / "state"
    arguments = [f"{home}/*.log", "--to", f"http://127.0.0.1:{free_port()}"]

    def segments() -> dict[Path, bytes]:
        found = {path: path.read_bytes() for path in sorted((state / "wal").glob("*.lines.*"))}
        return {path: content for path, content in found.items() if b"line " in content}

    def lies_in_the_log(line: str) -> bool:
        return any(line.encode() in content for content in segments().values())

    with Shipper(state, arguments) as shipper:
        lines: list[str] = []
        while len(segments()) < _SEGMENTS:
            lines.append(f"line {len(lines):05}")
            write(log, lines[-1])
            wait_until(lambda: lies_in_the_log(lines[-1]), shipper.output)
        shipper.kill()
        damaged, content = list(segments().items())[1]
        at = content.index(b"line ")
        damaged.write_bytes(content[:at] + b"LINE" + content[at + 4 :])
        shipper.arguments = [arguments[0], "--to", server.url]
        shipper.start()
        write(log, "last")
        want = {line for line in lines if line.encode() not in content} | {"last"}
        wait_until(lambda: stored(server, home).keys() >= want, shipper.output)
        assert shipper.stop() == 0
        assert set(stored(server, home).values()) == {1}
        assert len(stored(server, home)) < len(lines) + 1
