"""A Kafka that is not there. What librdkafka's mock cluster cannot do is listed in logyard/testing/kafka.py."""

from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import BadConfig, NotNow, StoreFailed
from logyard.testing.buffer_suite import CALM, all_sealed, made
from logyard.testing.kafka import KafkaMock
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal
from logyard.wal.remote.kafka import Kafka
from logyard.wal.remote.opening import open_remote


def opened(url: str, spool: Path) -> Wal:
    return open_remote(Kafka(url, "node"), spool, settings=CALM, disk=RealDisk(), clock=SystemClock())


async def test_while_the_brokers_are_away_appends_are_refused(tmp_path: Path) -> None:
    with KafkaMock() as cluster:
        buffer = opened(cluster.url("LOGS", more="&timeout=2"), tmp_path / "spool")
        await buffer.append(made(1))
        cluster.stop()
        for number in (2, 3):
            with pytest.raises(NotNow, match="Kafka"):
                await buffer.append(made(number))
        assert buffer.trouble
        assert buffer.position() == 1
        buffer.release()


async def test_a_start_without_brokers_fails_and_says_so(tmp_path: Path) -> None:
    with KafkaMock() as cluster:
        url = cluster.url("LOGS", more="&start=1&timeout=1")
    with pytest.raises(StoreFailed, match="cannot open the buffer LOGS-node"):
        opened(url, tmp_path / "spool")


async def test_cursors_of_a_topic_that_was_deleted_say_nothing(tmp_path: Path) -> None:
    with KafkaMock() as cluster:
        journal = Kafka(cluster.url("LOGS"), "node")
        journal._make_topic()
        journal._first = 1_000
        journal.save({"store": 5_000})
        journal.close()
        buffer = opened(cluster.url("LOGS"), tmp_path / "spool")
        await buffer.append(made(1))
        assert [one.first for segment in all_sealed(buffer) for one in segment.batches()] == [1]
        buffer.release()


def test_a_message_limit_that_is_none_is_refused() -> None:
    with pytest.raises(BadConfig, match="message_bytes"):
        Kafka("kafka://127.0.0.1:1/LOGS?message_bytes=1", "node")
