"""The agent as a collector: real processes, an inlet in memory; every line once, whatever is cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from logyard.agent.driver import Launch
from logyard.agent.drivers.process import Process, ProcessConfig
from logyard.clock import SystemClock
from logyard.errors import Backpressure
from logyard.model.ids import SequentialIds
from logyard.receivers.containers import Containers, ContainersConfig
from logyard.registry import Component
from logyard.testing.inlet import MemoryInlet


async def until(holds: Callable[[], Any]) -> Any:
    async with asyncio.timeout(180):
        while not (found := holds()):  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """One driver that the receiver and the test share, as they would share an engine."""
    driver = Process(ProcessConfig(folder=str(tmp_path / "processes")))
    monkeypatch.setattr("logyard.registry.load", lambda *_: shared(driver))
    yield driver
    await driver.close()


def shared(driver: Process) -> Component:
    return Component(name="process", summary="", config=ProcessConfig, example="", make=lambda _: driver)


@pytest.fixture
def inlet() -> MemoryInlet:
    return MemoryInlet(SequentialIds())


@asynccontextmanager
async def collecting(inlet: MemoryInlet, folder: Path, **given: Any) -> AsyncIterator[None]:
    receiver = Containers(ContainersConfig(driver="process", folder=str(folder / "cursors"), **given))
    task = asyncio.create_task(receiver.run(inlet))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def has_more(inlet: MemoryInlet, wanted: int) -> bool:
    return len(inlet.lines) >= wanted


def rows(inlet: MemoryInlet) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in inlet.lines]


def messages(inlet: MemoryInlet) -> list[str]:
    return [row["message"] for row in rows(inlet)]


def script(text: str, name: str, **given: Any) -> Launch:
    return Launch(image="/bin/sh", name=name, command=("-c", text), **given)


async def test_a_line_comes_with_its_container(processes: Process, inlet: MemoryInlet, tmp_path: Path) -> None:
    async with collecting(inlet, tmp_path):
        text = """echo plain; echo '{"message":"json","level":"warn","service":"own"}' >&2; sleep 600"""
        container = await processes.launch(script(text, "web", labels={"app": "shop"}))
        await until(lambda: len(inlet.lines) == 2)
    plain, json = sorted(rows(inlet), key=lambda row: str(row["message"]), reverse=True)
    timestamp = plain.pop("timestamp")
    assert timestamp.endswith("Z")
    assert plain == {
        "service": "web",
        "container": "web",
        "container_id": container.id,
        "image": "/bin/sh",
        "labels": {"app": "shop"},
        "output": "stdout",
        "message": "plain",
    }
    assert (json["service"], json["level"], json["output"], json["container"]) == ("own", "warn", "stderr", "web")


async def test_every_line_once_over_our_restarts(processes: Process, inlet: MemoryInlet, tmp_path: Path) -> None:
    text = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.005; done; sleep 600"
    await processes.launch(script(text, "counter"))
    seen = 0
    while seen < 300:
        async with collecting(inlet, tmp_path, batch_lines=7):
            await until(partial(has_more, inlet, min(300, seen + 40)))
        seen = len(inlet.lines)
    assert messages(inlet) == [str(number) for number in range(300)]


async def test_a_batch_that_was_on_its_way_is_stored_once(
    processes: Process, inlet: MemoryInlet, tmp_path: Path
) -> None:
    await processes.launch(script("echo a; echo b; sleep 600", "web"))
    async with collecting(inlet, tmp_path):
        await until(lambda: messages(inlet) == ["a", "b"])
    place = next((tmp_path / "cursors").iterdir())
    done = msgspec.json.decode(place.read_bytes())
    # As if we had died between the inlet's answer and the cursor's move.
    key = inlet.submissions[0].key.partition(">")[2]
    place.write_bytes(msgspec.json.encode({"cursor": "", "pending": key}))
    async with collecting(inlet, tmp_path):
        await until(lambda: msgspec.json.decode(place.read_bytes()) == done)
    assert messages(inlet) == ["a", "b"]


async def test_an_inlet_that_is_full_is_waited_for(processes: Process, inlet: MemoryInlet, tmp_path: Path) -> None:
    inlet.refusal = Backpressure("full", retry_after=0.01)
    async with collecting(inlet, tmp_path):
        await processes.launch(script("echo a; sleep 600", "web"))
        await until(lambda: any((tmp_path / "cursors").iterdir()))
        inlet.refusal = None
        await until(lambda: messages(inlet) == ["a"])


async def test_labels_choose(processes: Process, inlet: MemoryInlet, tmp_path: Path) -> None:
    async with collecting(inlet, tmp_path, labels=("app=x",)):
        for name, labels in (("no", {}), ("out", {"app": "x", "logyard.collect": "false"}), ("yes", {"app": "x"})):
            await processes.launch(script(f"echo {name}", name, labels=labels))
        await until(lambda: inlet.lines)
        await until(lambda: all(child.container.state == "exited" for child in processes._children.values()))
    assert messages(inlet) == ["yes"]


async def test_a_container_that_comes_again_goes_on(processes: Process, inlet: MemoryInlet, tmp_path: Path) -> None:
    async with collecting(inlet, tmp_path):
        await processes.launch(script("echo life; sleep 0.1; exit 1", "web", restart="always"))
        await until(lambda: len(inlet.lines) >= 3)
        await processes.remove("web", force=True)
        await until(lambda: not list((tmp_path / "cursors").iterdir()))
    assert set(messages(inlet)) == {"life"}
    times = [row["timestamp"] for row in rows(inlet)]
    assert len(set(times)) == len(times)
    assert SystemClock().now() > 0
