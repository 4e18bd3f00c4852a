"""The real disk, really full: a small tmpfs."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import DiskFull
from logyard.model.batch import Batch
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode != 0:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_ingest_stops_and_resumes_by_itself(small_disk: Path, batch: Callable[..., Batch]) -> None:
    settings = WalSettings(min_free_bytes=0, segment_bytes=300_000)
    wal = Wal.open(small_disk / "wal", settings=settings, disk=RealDisk(), clock=SystemClock())
    wal.register("store")
    try:
        sent = [batch(number, size=100_000) for number in range(30)]
        answers = await asyncio.gather(*map(wal.append, sent), return_exceptions=True)
        kept = [one.id for one, answer in zip(sent, answers, strict=True) if isinstance(answer, int)]
        assert 10 < len(kept) < 21
        assert all(isinstance(answer, int | DiskFull) for answer in answers)
        back: list[bytes] = []
        while wal.passed("store") < len(kept):
            wal.seal()
            for segment in wal.wait("store", 10):
                back += [one.id for one in segment.batches()]
                wal.advance("store", segment)
        assert back == kept
        assert await wal.append(batch(99, size=100_000)) == len(kept) + 1
    finally:
        wal.close()
