"""The receiver ``containers`` on real engines: every line once, over restarts of the container and of the receiver."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from logyard.model.ids import SequentialIds
from logyard.receivers.containers import Containers, ContainersConfig
from logyard.testing.containers import IMAGE, Engine
from logyard.testing.inlet import MemoryInlet

SCRIPT = (
    "n=$(cat /tmp/n 2>/dev/null || echo 1); while true; do echo line $n; n=$((n+1)); echo $n > /tmp/n; sleep 0.02; done"
)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(180):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["docker", "podman"])
async def test_every_line_once(kind: str, engines: Callable[[str], Engine | None], tmp_path: Path) -> None:
    engine = engines(kind)
    assert engine is not None
    inlet = MemoryInlet(SequentialIds())
    config = ContainersConfig(
        driver=kind, settings={"url": engine.url}, folder=str(tmp_path), labels=("group=collected",), batch_lines=20
    )
    name = f"collected-{kind}"
    run = (
        "run",
        "--detach",
        "--network",
        "none",
        "--name",
        name,
        "--label",
        "group=collected",
        IMAGE,
        "sh",
        "-c",
        SCRIPT,
    )

    def lines() -> list[str]:
        return [msgspec.json.decode(line)["message"] for line in inlet.lines]

    collector = asyncio.create_task(Containers(config).run(inlet))
    await asyncio.to_thread(engine.run, *run)
    await until(lambda: len(lines()) > 30)
    collector.cancel()
    await asyncio.gather(collector, return_exceptions=True)
    await asyncio.to_thread(engine.run, "restart", "--time", "1", name)
    before = len(lines())
    collector = asyncio.create_task(Containers(config).run(inlet))
    await until(lambda: len(lines()) > before + 60)
    await asyncio.to_thread(engine.run, "restart", "--time", "1", name)
    before = len(lines())
    await until(lambda: len(lines()) > before + 60)
    collector.cancel()
    await asyncio.gather(collector, return_exceptions=True)
    found = await asyncio.to_thread(engine.run, "logs", name)
    kept = found.splitlines()[: len(lines())]
    assert lines() == kept
    row = msgspec.json.decode(inlet.lines[0])
    assert (row["container"], row["labels"]["group"], row["output"]) == (name, "collected", "stdout")
    assert row["image"].endswith(IMAGE)
    await asyncio.to_thread(engine.run, "rm", "--force", name)
