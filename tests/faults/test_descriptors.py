"""Few open files: an insert may fail for want of them, and is tried again; nothing acknowledged goes."""

import contextlib
from pathlib import Path
from typing import Final

import httpx
import pytest

from logyard.testing.server import Server, ServerOptions
from tests.crash.load import lines
from tests.crash.stored import sql

ROWS: Final = 6_000
_STORED: Final = (
    "SELECT attributes['batch'] AS batch, count() AS stored, uniqExact(attributes['row']) AS different "
    "FROM logs GROUP BY batch"
)


def send(server: Server, name: str) -> bool:
    """Whether it was acknowledged. With no descriptor left for the connection, nobody answers at all."""
    with contextlib.suppress(httpx.TransportError):
        body, key = "\n".join(lines(name, ROWS)), {"Idempotency-Key": name}
        answer = httpx.post(f"{server.url}/ingest", content=body, headers=key, timeout=60)
        assert answer.status_code == 200 or "retry-after" in answer.headers, answer.text
        return answer.status_code == 200
    return False


@pytest.mark.slow
@pytest.mark.parametrize("descriptors", [256, 128, 96])
def test_nothing_is_lost_with_few_descriptors(tmp_path: Path, descriptors: int) -> None:
    settings = {"wal.segment_seconds": 0.2, "query.settle_seconds": 2}
    data = tmp_path / "data"
    with Server(data, ServerOptions(settings=settings, descriptors=descriptors)) as server:
        acknowledged = [name for name in (f"batch{number}" for number in range(8)) if send(server, name)]
        assert acknowledged
        assert server.alive
        server.kill()
    assert not list(data.glob("dead_letters/*"))
    with Server(data) as server:  # with as many as it likes
        found = {row["batch"]: (row["stored"], row["different"]) for row in sql(server.url, _STORED)}
    assert set(found.values()) == {(ROWS, ROWS)}
    assert set(acknowledged) <= found.keys()
