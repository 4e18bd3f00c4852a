"""librdkafka's own mock cluster, over TCP: what is produced is read by a consumer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from logyard.errors import BadConfig, NotNow
from logyard.testing.kafka import KafkaMock
from tests.outputs.conftest import batch, opened


@pytest.fixture
def brokers() -> Iterator[list[str]]:
    with KafkaMock() as cluster:
        yield cluster.url("x").removeprefix("kafka://").partition("/")[0].split(",")


def read(brokers: list[str], topic: str, count: int) -> list[tuple[bytes, str, str]]:
    """Key, id and message of so many records; no more may be there."""
    consumer = Consumer({"bootstrap.servers": ",".join(brokers), "group.id": "test", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, each, 0) for each in partitions])
    found: list[tuple[bytes, str, str]] = []
    ended: set[int] = set()
    while len(ended) < len(partitions):
        message = consumer.poll(60)
        assert message is not None, f"{len(found)} of {count} after a minute"
        if message.error() is not None:
            ended.add(message.partition() or 0)
            continue
        headers: dict[str, Any] = dict(message.headers() or [])
        record = msgspec.json.decode(message.value() or b"")["message"]
        found.append((message.key() or b"", headers["logyard-id"].decode(), record))
    consumer.close()
    assert len(found) == count
    return sorted(found, key=lambda each: each[1])


async def test_records_have_a_key_and_an_id(brokers: list[str], tmp_path: Path) -> None:
    run = [batch(1, {"message": "a", "service": "shop"}, "b"), batch(2, *map(str, range(3000)))]
    async with opened(tmp_path, "kafka", brokers=brokers, topic="yard") as output:
        assert await output.write(run) == []
    found = read(brokers, "yard", 3002)
    first, second = (each.id.hex() for each in run)
    assert found[:2] == [(b"shop", f"{first}-0", "a"), (b"unknown", f"{first}-1", "b")]
    assert {key for _, key, _ in found[2:]} == {f"{second}-{row}" for row in range(3000)}


async def test_one_that_is_too_large_is_refused_and_the_others_are_there(brokers: list[str], tmp_path: Path) -> None:
    run = [batch(1, "a", "b" * 20_000, "c")]
    settings = {"brokers": brokers, "topic": "yard", "options": {"message.max.bytes": "10000"}}
    async with opened(tmp_path, "kafka", **settings) as output:
        (refused,) = await output.write(run)
    assert (refused.batch, refused.row) == (run[0].id, 1)
    assert [message for _, _, message in read(brokers, "yard", 2)] == ["a", "c"]


async def test_a_cluster_that_is_away(tmp_path: Path) -> None:
    async with opened(tmp_path, "kafka", brokers=["127.0.0.1:1"], timeout=1.0) as output:
        with pytest.raises(NotNow, match="Kafka: 2 of 2"):
            await output.write([batch(1, "a", "b")])


@pytest.mark.parametrize(
    "settings",
    [{"brokers": []}, {"options": {"acks": "0"}}, {"options": {"no.such.thing": "1"}}, {"topic": "{user}"}],
)
async def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(BadConfig):
        async with opened(tmp_path, "kafka", **{"brokers": ["127.0.0.1:1"], **settings}):
            pass
