"""An engine that does not come back from an insert, and one that cannot keep up: writers are told to wait.

The first is the real wiring and a real web server around a store whose inserts wait until they are let go. The
second is the real process with a log so small that its store is always behind.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

import httpx
import pytest

from logyard.app import running
from logyard.config import Config, WalConfig
from logyard.model.batch import Encoded
from logyard.testing.memory_store import MemoryStore
from logyard.testing.server import Server, ServerOptions
from tests.crash.load import lines
from tests.crash.stored import sql

LOG_BYTES: Final = 6 << 20
ROWS: Final = 2_000
"""Of a request: half a megabyte."""
REQUESTS: Final = 120
"""Ten times what the log takes."""
MAY_GROW: Final = 160 << 20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def small_log(data: Path) -> Config:
    wal = WalConfig(max_bytes=LOG_BYTES, segment_seconds=0.2, segment_bytes=1 << 20, min_free_bytes=1)
    return Config(data=data, listen="127.0.0.1:0", wal=wal)


def body(name: str) -> bytes:
    return "\n".join(lines(name, ROWS)).encode()


async def offer(url: str, names: list[str]) -> tuple[set[str], Counter[int]]:
    """Send them all from four clients; who was acknowledged, and which answers there were."""
    acknowledged: set[str] = set()
    answers: Counter[int] = Counter()
    waiting = iter(names)

    async def client() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as web:
            for name in waiting:
                answer = await web.post("/ingest", content=body(name))
                answers[answer.status_code] += 1
                if answer.status_code == 200:
                    acknowledged.add(name)
                elif answer.status_code == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                    assert answer.headers["content-type"] == "application/problem+json"

    await asyncio.gather(*(client() for _ in range(4)))
    return acknowledged, answers


def names_in(store: MemoryStore) -> Counter[str]:
    """Batches by name, from the bytes that the store was given."""
    found: Counter[str] = Counter()
    for parcel in store.parcels.values():
        for batch in parcel.batches:
            assert isinstance(batch.body, Encoded)
            found[bytes(batch.body.lines).partition(b'"batch":"')[2].partition(b'"')[0].decode()] += 1
    return found


async def test_a_stopped_engine_means_429_and_bounded_memory(tmp_path: Path) -> None:
    store = MemoryStore()
    async with running(small_log(tmp_path), store=store) as logyard:
        store.hold()
        try:
            names = [f"request{number}" for number in range(REQUESTS)]
            await offer(logyard.url, [])  # the client's own machinery is not what is measured
            before = resident()
            acknowledged, answers = await offer(logyard.url, names)
            grown = resident() - before
            assert answers.keys() == {200, 429}
            assert answers[200] == len(acknowledged) <= LOG_BYTES / len(body("x")) + 1
            assert grown < MAY_GROW, f"{grown >> 20} MiB more for {LOG_BYTES >> 20} MiB of log"
            log = sum(path.stat().st_size for path in (tmp_path / "wal").glob("*.*"))
            assert log <= LOG_BYTES + (1 << 20)
            async with httpx.AsyncClient() as web:
                assert (await web.get(f"{logyard.url}/healthz")).status_code == 200
        finally:
            store.release()
        while True:
            more, answers = await offer(logyard.url, ["afterwards"])
            if more:
                break
            await asyncio.sleep(0.05)
    assert names_in(store) == Counter([*acknowledged, "afterwards"])


@pytest.mark.slow
def test_an_engine_that_cannot_keep_up_means_429_and_loses_nothing(tmp_path: Path) -> None:
    settings: dict[str, str | int | float] = {"wal.max_bytes": LOG_BYTES, "wal.segment_bytes": 2 << 20}
    with Server(tmp_path / "data", ServerOptions(settings=settings)) as server:
        names = [f"request{number}" for number in range(REQUESTS)]
        acknowledged, answers = asyncio.run(offer(server.url, names))
        assert answers.keys() == {200, 429}
        found = sql(server.url, "SELECT attributes['batch'] AS batch, count() AS rows FROM logs GROUP BY batch")
        assert {row["batch"]: row["rows"] for row in found} == dict.fromkeys(acknowledged, ROWS)
        assert server.resident_bytes(peak=True) < 1_200 << 20
        assert server.stop() == 0
