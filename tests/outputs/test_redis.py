"""A real Redis, from Debian: streams, lists and channels; killed, refusing, and asked twice."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from redis.asyncio import Redis

from logyard.errors import BadConfig, NotNow
from logyard.testing.redis import RedisServer
from tests.outputs.conftest import batch, opened

RUN = [batch(1, {"message": "a", "service": "shop"}, "b"), batch(2, "c")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None and os.geteuid() != 0:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, decode_responses=True) as connected:
        yield connected


def said(records: Iterable[Any]) -> list[str]:
    return [msgspec.json.decode(record)["message"] for record in records]


async def streams(client: Redis, pattern: str) -> dict[str, list[str]]:
    """Messages by key; the client's types leave open what its answers are."""
    keys: list[Any] = await client.keys(pattern)
    entries = {key: cast("list[Any]", await client.xrange(key)) for key in keys}
    return {key: said(fields["record"] for _, fields in found) for key, found in entries.items()}


async def test_a_stream_has_each_record_once(server: RedisServer, client: Redis, tmp_path: Path) -> None:
    for _ in range(2):
        async with opened(tmp_path, "redis", url=server.url, key="logs:{service}") as output:
            assert await output.write(RUN) == ()
    found = await streams(client, "logs:*")
    assert found == {"logs:shop": ["a"], "logs:unknown": ["b", "c"]}
    assert 0 < await client.ttl(f"logyard:batch:{RUN[0].id.hex()}") <= 86_400


async def test_a_stream_may_be_short(server: RedisServer, client: Redis, tmp_path: Path) -> None:
    async with opened(tmp_path, "redis", url=server.url, max_length=100) as output:
        await output.write([batch(1, *map(str, range(5000)))])
    assert 100 <= await client.xlen("logs") < 400


async def test_a_list(server: RedisServer, client: Redis, tmp_path: Path) -> None:
    async with opened(tmp_path, "redis", url=server.url, mode="list", records="sent") as output:
        await output.write(RUN)
    assert said(await client.lrange("logs", 0, -1)) == ["a", "b", "c"]


async def test_a_channel(server: RedisServer, client: Redis, tmp_path: Path) -> None:
    async with client.pubsub() as listener:
        await listener.subscribe("logs")
        async with opened(tmp_path, "redis", url=server.url, mode="channel") as output:
            await output.write(RUN)
        found: list[str] = []
        async with asyncio.timeout(60):
            while len(found) < 3:
                message = await listener.get_message(ignore_subscribe_messages=True, timeout=1)
                found += [message["data"]] if message is not None else []
    assert said(found) == ["a", "b", "c"]


async def test_away_and_back(server: RedisServer, tmp_path: Path) -> None:
    async with opened(tmp_path, "redis", url=server.url) as output:
        await output.write(RUN)
        server.kill()
        with pytest.raises(NotNow, match="Redis: ConnectionError"):
            await output.write([batch(3, "d")])
        server.start()
        assert await output.write([batch(3, "d")]) == ()


async def test_a_key_of_another_kind_loses_nothing(server: RedisServer, client: Redis, tmp_path: Path) -> None:
    await client.set("logs", "text")
    async with opened(tmp_path, "redis", url=server.url) as output:
        with pytest.raises(NotNow, match="WRONGTYPE"):
            await output.write(RUN)
        await client.delete("logs")
        await output.write(RUN)
    assert await client.xlen("logs") == 3


@pytest.mark.parametrize("settings", [{"url": "nowhere"}, {"records": "sent", "key": "{service}"}, {"key": "{user}"}])
async def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(BadConfig):
        async with opened(tmp_path, "redis", **{"url": "redis://127.0.0.1:1", **settings}):
            pass
