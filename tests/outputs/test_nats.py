"""A real JetStream: each record once, one that is too large refused, the server killed and back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from logyard.errors import BadConfig, NotNow
from logyard.ports import Refused
from logyard.testing.nats import NatsCluster
from tests.outputs.conftest import batch, opened


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path / "nats", nodes=1, max_payload=4096) as running:
        running.ask(_stream)
        yield running


async def _stream(client: Client) -> None:
    await client.jetstream().add_stream(StreamConfig(name="LOGS", subjects=["logs.>"]))


async def _read(client: Client) -> list[tuple[str, str, str]]:
    """Subject, id and message of everything in the stream."""
    stream = client.jetstream()
    state = (await stream.stream_info("LOGS")).state
    found = [await stream.get_msg("LOGS", number) for number in range(1, state.last_seq + 1)]
    return [
        (str(each.subject), (each.headers or {})["Nats-Msg-Id"], msgspec.json.decode(each.data or b"")["message"])
        for each in found
    ]


async def stored(cluster: NatsCluster) -> list[tuple[str, str, str]]:
    return await asyncio.to_thread(cluster.ask, _read)


async def test_each_record_is_in_the_stream_once(cluster: NatsCluster, tmp_path: Path) -> None:
    run = [batch(1, {"message": "a", "service": "my.shop *"}, "b" * 5000), batch(2, "c")]
    beyond = Refused(run[0].id, 1, "larger than the 4096 bytes of a message")
    for _ in range(2):
        async with opened(tmp_path, "nats", servers=[f"nats://{cluster.hosts[0]}"]) as output:
            assert await output.write(run) == [beyond]
    first, second = (each.id.hex() for each in run)
    assert await stored(cluster) == [("logs.my_shop", f"{first}-0", "a"), ("logs.unknown", f"{second}-0", "c")]


async def test_a_server_that_was_killed_has_all_of_it_afterwards(cluster: NatsCluster, tmp_path: Path) -> None:
    async with opened(tmp_path, "nats", servers=[f"nats://{cluster.hosts[0]}"], timeout=2) as output:
        await output.write([batch(1, "a")])
        cluster.kill(0)
        with pytest.raises(NotNow, match="NATS"):
            await output.write([batch(2, "b")])
        cluster.start(0)
        await asyncio.to_thread(cluster.wait_ready)
        await output.write([batch(2, "b")])
    assert [message for _, _, message in await stored(cluster)] == ["a", "b"]


async def test_a_subject_of_no_stream_loses_nothing(cluster: NatsCluster, tmp_path: Path) -> None:
    async with opened(tmp_path, "nats", servers=[f"nats://{cluster.hosts[0]}"], subject="other") as output:
        with pytest.raises(NotNow, match="no response from stream"):
            await output.write([batch(1, "a")])


@pytest.mark.parametrize("settings", [{"servers": []}, {"subject": "a b"}, {"subject": "{user}"}])
async def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(BadConfig):
        async with opened(tmp_path, "nats", **{"servers": ["nats://127.0.0.1:1"], **settings}):
            pass
