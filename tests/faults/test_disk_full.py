"""A full disk: a tmpfs of a few dozen megabytes, filled by somebody else.

Writers are told so, readers are served, and when there is room again everything goes on by itself.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from logyard.testing.server import Server, ServerOptions
from tests.crash.load import lines
from tests.crash.stored import count, sql

SIZE = 96 << 20
BALLAST = "ballast"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small tmpfs, which takes root: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> None:
    """Somebody else takes all the room there is."""
    block = b"\0" * (1 << 16)
    with (disk / BALLAST).open("ab", buffering=0) as file:
        try:
            while True:
                file.write(block)
        except OSError:
            return


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.05)


def post(server: Server, name: str, rows: int = 500) -> httpx.Response:
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": name}
    return httpx.post(f"{server.url}/ingest", content="\n".join(lines(name, rows)), headers=headers, timeout=120)


def is_refused_well(answer: httpx.Response) -> bool:
    return answer.status_code in {503, 507} and int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "spare",
    [
        pytest.param(8 << 20, id="the reserve of the log notices first"),
        pytest.param(1, id="no reserve, so the disk says it itself"),
    ],
)
def test_a_full_disk_refuses_writers_and_serves_readers(small_disk: Path, spare: int) -> None:
    settings = {"wal.min_free_bytes": spare, "wal.segment_seconds": 0.2}
    with Server(small_disk / "data", ServerOptions(settings=settings)) as server:
        acknowledged = ["before"]
        assert post(server, "before").status_code == 200
        assert count(server.url) == 500
        fill(small_disk)
        statuses: Counter[int] = Counter()
        for number in range(40):
            answer = post(server, f"full{number}")
            statuses[answer.status_code] += 1
            assert answer.status_code == 200 or is_refused_well(answer), answer.text
            if answer.status_code == 200:
                acknowledged.append(f"full{number}")
        assert statuses.keys() - {200}, "the disk was not full"
        assert httpx.get(f"{server.url}/logs/shop-1?limit=5").json()["count"] == 5
        assert len(sql(server.url, "SELECT message FROM logs LIMIT 7")) == 7
        (small_disk / BALLAST).unlink()
        wait_until(lambda: post(server, "after").status_code == 200, "writers are welcome again")
        found = stored(server)
        assert {name: found.get(name, 0) for name in acknowledged} == dict.fromkeys(acknowledged, 500)
        assert server.stop() == 0
        assert not list(server.data.glob("dead_letters/*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows", [pytest.param(300, id="framed by us"), pytest.param(6_000, id="read by the engine from the log")]
)
def test_what_the_store_cannot_take_for_want_of_room_waits_for_room(small_disk: Path, rows: int) -> None:
    """Acknowledged, and then the disk fills up before the drain comes: it tries until there is room."""
    settings = {"wal.min_free_bytes": 1, "wal.segment_seconds": 3, "query.settle_seconds": 3}
    with Server(small_disk / "data", ServerOptions(settings=settings)) as server:
        assert post(server, "batch", rows).status_code == 200
        fill(small_disk)
        wait_until(lambda: delays(server) >= 5, "the drain has tried five times")
        assert server.alive
        (small_disk / BALLAST).unlink()
        wait_until(lambda: stored(server) == {"batch": rows}, "all that was acknowledged is found")
        assert not list(server.data.glob("dead_letters/*"))


def delays(server: Server) -> float:
    """How often the drain has put a segment off."""
    metrics = httpx.get(f"{server.url}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics if line.startswith("logyard_drain_delayed_total"))


def stored(server: Server) -> dict[str, int]:
    found = sql(server.url, "SELECT attributes['batch'] AS batch, count() AS rows FROM logs GROUP BY batch")
    return {row["batch"]: row["rows"] for row in found}
