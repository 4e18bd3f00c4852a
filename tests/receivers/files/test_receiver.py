"""The receiver as a whole, on the real clock: its loop, its hints, its ways to go on."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import Backpressure
from logyard.model.ids import SequentialIds
from logyard.ports import Place
from logyard.receivers.files import Files, FilesConfig
from logyard.telemetry import Telemetry
from logyard.testing.inlet import MemoryInlet
from logyard.testing.waiting import until
from tests.receivers.files.conftest import write


@asynccontextmanager
async def running(config: FilesConfig, state: Path, inlet: MemoryInlet) -> AsyncIterator[Files]:
    """With what a log would have kept of those before it."""
    receiver = Files(config)
    marks = [submission.mark for submission in inlet.submissions]
    receiver.resume(Place(directory=state, marks=marks, clock=SystemClock(), telemetry=Telemetry()))
    task = asyncio.create_task(receiver.run(inlet))
    try:
        yield receiver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def lines(inlet: MemoryInlet) -> Sequence[str]:
    return [line.decode() for line in inlet.lines]


@pytest.mark.parametrize("watch", ["poll", "auto"])
async def test_stat_backend_covers_nfs_style_polling(home: Path, tmp_path: Path, watch: str) -> None:
    inlet, log = MemoryInlet(SequentialIds()), home / "a.log"
    config = FilesConfig(include=(f"{home}/*.log",), watch="poll" if watch == "poll" else "auto", batch_seconds=0)
    async with running(config, tmp_path / "state", inlet):
        write(log, "one")
        await until(lambda: lines(inlet) == ["one"])
        write(log, "two")
        await until(lambda: lines(inlet) == ["one", "two"])
        log.rename(home / "a.log.1")
        write(log, "three")
        await until(lambda: lines(inlet) == ["one", "two", "three"])
    async with running(config, tmp_path / "state", inlet):
        write(log, "four")
        await until(lambda: lines(inlet) == ["one", "two", "three", "four"])


async def test_what_is_not_taken_now_is_handed_in_again(home: Path, tmp_path: Path) -> None:
    inlet, log = MemoryInlet(SequentialIds()), home / "a.log"
    config = FilesConfig(include=(f"{home}/*.log",), batch_seconds=0)
    inlet.refusal = Backpressure("full", retry_after=0.1)
    async with running(config, tmp_path / "state", inlet) as receiver:
        write(log, "one")
        await until(lambda: any(each.lag_bytes for each in receiver.positions()))
        log.rename(home / "a.log.1")
        write(log, "two")
        await until(lambda: len(receiver.positions()) > 1)
        inlet.refusal = None
        await until(lambda: sorted(lines(inlet)) == ["one", "two"])


async def test_it_finishes_when_it_knows_of_every_file_whether_it_must_be_read(home: Path, tmp_path: Path) -> None:
    """Copies, and a file that has been compressed this very moment."""
    inlet = MemoryInlet(SequentialIds())
    for name in ("a.log", "a.log.2", "a.log.3"):
        write(home / name, f"{name[:1]} one", "two")
    write(home / "a.log.4", "")
    (home / "a.log.1.gz").write_bytes(gzip.compress(b"zero\n"))
    (home / "a.log.5").touch()
    receiver = Files(FilesConfig(include=(f"{home}/*.log*",), batch_seconds=0))
    place = Place(directory=tmp_path / "state", marks=[], clock=SystemClock(), telemetry=Telemetry())
    receiver.resume(place)
    receiver.finish()
    await asyncio.wait_for(receiver.run(inlet), 60)
    assert sorted(line for line in lines(inlet) if line) == ["a one", "two", "zero"]
