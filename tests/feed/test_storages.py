"""Every storage keeps the port's promises."""

import pytest

from logyard.errors import Backpressure
from logyard.feed import MemoryStorage, Storage, YardStorage
from logyard.feed.block import Writer, encoded
from logyard.feed.entry import NewLog
from logyard.feed.level import LogLevel
from logyard.model.ids import LogIds
from logyard.testing.feed_suite import FeedStorageSuite


class TestMemoryStorage(FeedStorageSuite):
    """In this process."""

    @pytest.fixture
    def storage(self, ids: LogIds) -> Storage:
        return MemoryStorage(ids)

    def test_it_takes_so_many_entries_and_no_more(self, ids: LogIds, writer: Writer) -> None:
        storage = MemoryStorage(ids, capacity=2)
        logs = [NewLog(level=LogLevel.INFO, message="m", service_name="s")] * 2
        storage.write([writer.block(encoded(logs), writer.arrival())])
        with pytest.raises(Backpressure, match="it takes 2 entries"):
            storage.write([writer.block(encoded(logs), writer.arrival())])
        with pytest.raises(Backpressure):
            storage.ping()
        assert storage.counts().total == 2


class TestEmbeddedStorage(FeedStorageSuite):
    """The engine in this process."""

    @pytest.fixture
    def storage(self, embedded: YardStorage) -> Storage:
        return embedded


class TestClickHouseStorage(FeedStorageSuite):
    """A cluster, by its URL."""

    @pytest.fixture
    def storage(self, clickhouse: YardStorage) -> Storage:
        return clickhouse
