"""Redis channels, against a real Redis that goes away and comes back."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from logyard.errors import BadConfig
from logyard.model.batch import Batch, Encoded
from logyard.stream.hub import Hub, Limits
from logyard.stream.records import RecordsWatch
from logyard.stream.redis import RedisPublisher, channels
from logyard.telemetry import Telemetry
from logyard.testing.ports import free_port
from logyard.types import BatchId, LogId, Nanoseconds
from tests.stream.parts import START, running


class Server:
    """A real redis-server on a loopback port; keeps its port over restarts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = await asyncio.create_subprocess_exec("redis-server", *options, stdout=asyncio.subprocess.PIPE)
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while b"Ready to accept" not in await self.process.stdout.readline():
                pass

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.communicate()
        self.process = None


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    started = Server(tmp_path)
    await started.start()
    yield started
    if started.process is not None:
        await started.kill()


def lines(first: int, *records: Mapping[str, object]) -> Batch:
    """A batch as it came over the wire."""
    text = b"\n".join(json.dumps(record).encode() for record in records)
    return Batch(
        id=BatchId(first.to_bytes(16, "big")),
        first=LogId(first),
        received=Nanoseconds(START),
        body=Encoded(lines=text, rows=len(records)),
    )


class Listener:
    """A subscriber to some channels; reads JSON messages."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url)
        self.channel: PubSub = self.client.pubsub()

    async def join(self, *names: str) -> None:
        await self.channel.subscribe(*names)
        for _ in names:
            await self.channel.get_message(timeout=60)

    async def read(self, count: int) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        while len(found) < count:
            message = await self.channel.get_message(timeout=60)
            assert message is not None, f"only {len(found)} of {count} messages came"
            found.append(json.loads(message["data"]))
        return found

    async def close(self) -> None:
        await self.channel.aclose()  # type: ignore[no-untyped-call]  # redis leaves it untyped
        await self.client.aclose()


class Wired:
    """A hub, a publisher and what is counted."""

    def __init__(self, hub: Hub, url: str, telemetry: Telemetry) -> None:
        self.hub = hub
        self.telemetry = telemetry
        self.publisher = RedisPublisher(hub, RecordsWatch(str), url=url, telemetry=telemetry)
        self.task = asyncio.create_task(self.publisher.run())

    def handled(self) -> float:
        """Rows that Redis has, and rows that are counted as lost."""
        names = ("logyard_redis_rows_published_total", "logyard_redis_rows_dropped_total")
        return sum(self.telemetry.value(name) for name in names)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - the state is another process's
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def wired(server: Server) -> AsyncIterator[Wired]:
    telemetry = Telemetry()
    async with running(Limits(buffer_rows=5), telemetry) as hub:
        parts = Wired(hub, server.url, telemetry)
        yield parts
        await parts.stop()


async def test_an_entry_is_published_for_all_and_for_its_service(server: Server, wired: Wired) -> None:
    everything, own = Listener(server.url), Listener(server.url)
    await everything.join("logs:all")
    await own.join("logs:web")
    entry = {"ts": "2026-01-02T03:04:05Z", "lvl": "warn", "msg": "hello", "app": "web", "user": {"id": 7}}
    wired.hub.publish(lines(1, entry, {"msg": "other", "app": "db"}))
    first, second = await everything.read(2)
    assert first == entry | {"log_id": "1"}
    assert second["msg"] == "other"
    assert await own.read(1) == [first]
    await asyncio.gather(everything.close(), own.close())


async def test_with_redis_away_ingest_goes_on_and_the_state_shows(server: Server, wired: Wired) -> None:
    await wired.until(lambda: not wired.publisher.trouble)
    assert wired.telemetry.value("logyard_redis_connected") == 1
    await server.kill()
    for index in range(20):
        wired.hub.publish(lines(index, {"msg": str(index)}))
        await wired.hub.settle()
    await wired.until(lambda: bool(wired.publisher.trouble))
    assert wired.telemetry.value("logyard_redis_connected") == 0
    await server.start()
    await wired.until(lambda: wired.handled() == 20 and not wired.publisher.trouble)
    assert wired.telemetry.value("logyard_redis_rows_dropped_total") > 0


async def test_after_a_restart_entries_arrive_again(server: Server, wired: Wired) -> None:
    await wired.until(lambda: not wired.publisher.trouble)
    await server.kill()
    wired.hub.publish(lines(0, {"msg": "into the void"}))
    await wired.until(lambda: bool(wired.publisher.trouble))
    await server.start()
    listener = Listener(server.url)
    await listener.join("logs:all")
    await wired.until(lambda: not wired.publisher.trouble)
    wired.hub.publish(lines(1, {"msg": "back"}))
    messages = await listener.read(1)
    if messages[0]["msg"] == "into the void":
        messages = await listener.read(1)
    assert messages[0]["msg"] == "back"
    await listener.close()


async def test_finishing_publishes_what_is_left(wired: Wired) -> None:
    wired.hub.publish(lines(0, {"msg": "last words"}))
    await wired.publisher.finish(60)
    await wired.task
    assert wired.telemetry.value("logyard_redis_rows_published_total") == 1


def test_a_service_called_all_is_not_published_twice() -> None:
    assert channels("all") == ("logs:all",)
    assert channels("a:b c") == ("logs:all", "logs:a:b c")


async def test_a_bad_url_is_named_by_its_setting() -> None:
    async with running() as hub:
        with pytest.raises(BadConfig, match="redis_url"):
            RedisPublisher(hub, RecordsWatch(str), url="http://nowhere", telemetry=Telemetry())
