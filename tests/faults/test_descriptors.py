"""Few open files: an insert may fail for want of them, and is tried again; nothing acknowledged goes."""

from pathlib import Path

import httpx
import pytest

from logyard.testing.server import Server, ServerOptions
from tests.crash.load import lines
from tests.crash.stored import sql

ROWS = 6_000
STORED = "SELECT count() AS stored, uniqExact(id) AS ids FROM logs"


@pytest.mark.slow
@pytest.mark.parametrize("descriptors", [256, 128])
def test_nothing_is_lost_with_few_descriptors(tmp_path: Path, descriptors: int) -> None:
    settings: dict[str, str | int | float] = {"wal.segment_seconds": 0.2, "query.settle_seconds": 2}
    data = tmp_path / "data"
    acknowledged = 0
    with Server(data, ServerOptions(settings=settings, descriptors=descriptors)) as server:
        for number in range(8):
            answer = httpx.post(f"{server.url}/ingest", content="\n".join(lines(f"batch{number}", ROWS)), timeout=60)
            assert answer.status_code in {200, 429, 503}, answer.text
            acknowledged += ROWS * (answer.status_code == 200)
        assert acknowledged
        server.stop()
    assert not list(data.glob("dead_letters/*"))
    with Server(data) as server:  # with as many as it likes
        assert sql(server.url, STORED) == [{"stored": acknowledged, "ids": acknowledged}]
