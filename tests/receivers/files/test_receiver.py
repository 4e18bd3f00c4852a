"""The receiver as a whole, on the real clock: its loop, its hints, its ways to go on."""

import asyncio
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
