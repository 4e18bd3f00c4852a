"""What every storage of the feeding service must do.

    class TestMemoryStorage(FeedStorageSuite):
        @pytest.fixture
        def storage(self) -> Iterator[Storage]: ...

A storage may hold more than one test's entries: each test keeps to a service of its own.
"""

import itertools
import os
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest

from logyard.clock import SystemClock
from logyard.feed.block import Block, Writer, encoded
from logyard.feed.comparing import bring, missing
from logyard.feed.entry import LogEntry, NewLog
from logyard.feed.filters import CompositeFilter, KeywordFilter, LevelFilter, LogFilter, ServiceFilter
from logyard.feed.level import LogLevel
from logyard.feed.memory import MemoryStorage
from logyard.feed.storage import BUCKET, Storage
from logyard.model.ids import SnowflakeIds
from logyard.types import LogId

__all__ = ["MACHINE", "FeedStorageSuite"]

MACHINE: Final = 7
"""The number of the suite's writer."""
_numbers = itertools.count()
_WRITER: Final = Writer(SnowflakeIds(MACHINE, SystemClock()), SystemClock())
_WHEN: Final = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _log(service: str, message: str = "m", level: LogLevel = LogLevel.INFO, **more: object) -> NewLog:
    return msgspec.convert({"level": level, "message": message, "service_name": service, **more}, NewLog)


class FeedStorageSuite:
    """Inherit, and provide ``storage``."""

    @pytest.fixture
    def writer(self) -> Writer:
        """One for all tests, as a process has one."""
        return _WRITER

    @pytest.fixture
    def service(self) -> str:
        """A name that no test before had."""
        return f"service-{os.getpid()}-{next(_numbers)}"

    def stored(self, storage: Storage, writer: Writer, *logs: NewLog) -> list[Block]:
        """Each entry as a block, written."""
        blocks = [writer.block(encoded([log]), writer.arrival()) for log in logs]
        storage.write(blocks, fresh=True)
        return blocks

    def entries(self, storage: Storage, wanted: LogFilter) -> list[LogEntry]:
        """All that a filter finds."""
        return [each.entry for each in storage.find(wanted, limit=1000).timed]

    def test_an_entry_comes_back_as_it_was_given(self, storage: Storage, writer: Writer, service: str) -> None:
        metadata = {"user": {"id": 7, "tags": ["a", 1, None, {"b": 2.5}]}, "ok": True, "text": "1", "none": None}
        given = _log(
            service, 'one "two"\nthree', LogLevel.ERROR, metadata=metadata, source_ip="10.0.0.1", correlation_id="c-1"
        )
        block = self.stored(storage, writer, msgspec.structs.replace(given, timestamp=_WHEN))[0]
        want = LogEntry(
            id=writer.texts(block)[0],
            timestamp=_WHEN,
            level=LogLevel.ERROR,
            service_name=service,
            message='one "two"\nthree',
            metadata=metadata,
            source_ip="10.0.0.1",
            correlation_id="c-1",
        )
        assert self.entries(storage, ServiceFilter(service)) == [want]
        assert storage.get(block.first) == want

    def test_an_entry_without_a_time_has_that_of_its_arrival(
        self, storage: Storage, writer: Writer, service: str
    ) -> None:
        block = self.stored(storage, writer, _log(service))[0]
        found = storage.find(ServiceFilter(service), limit=1).timed[0]
        assert found.time == block.received
        assert found.entry.timestamp == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            microseconds=block.received // 1000
        )

    def test_an_empty_message_and_an_empty_service(self, storage: Storage, writer: Writer, service: str) -> None:
        block = self.stored(storage, writer, _log("", "", correlation_id=service))[0]
        found = storage.get(block.first)
        assert found is not None
        assert (found.message, found.service_name, dict(found.metadata)) == ("", "unknown", {})

    def test_what_is_not_there_is_none(self, storage: Storage) -> None:
        assert storage.get(LogId(1)) is None

    def test_a_block_is_written_once(self, storage: Storage, writer: Writer, service: str) -> None:
        block = writer.block(encoded([_log(service, str(n)) for n in range(3)]), writer.arrival())
        storage.write([block], fresh=True)
        storage.write([block])
        storage.write([block, *self.stored(storage, writer, _log(service, "3"))])
        assert sorted(each.message for each in self.entries(storage, ServiceFilter(service))) == ["0", "1", "2", "3"]

    def test_newest_first_by_pages(self, storage: Storage, writer: Writer, service: str) -> None:
        times = [_WHEN + timedelta(seconds=n) for n in (3, 1, 2)]
        self.stored(storage, writer, *(_log(service, str(n), timestamp=time) for n, time in enumerate(times)))
        found = storage.find(ServiceFilter(service), limit=2)
        assert ([each.entry.message for each in found.timed], found.total) == (["0", "2"], 3)
        rest = storage.find(ServiceFilter(service), limit=2, offset=2)
        assert ([each.entry.message for each in rest.timed], rest.total) == (["1"], 3)

    def test_pages_up_to_an_id_do_not_shift(self, storage: Storage, writer: Writer, service: str) -> None:
        self.stored(storage, writer, *(_log(service, str(n)) for n in range(3)))
        newest = storage.find(ServiceFilter(service), limit=1).newest
        self.stored(storage, writer, _log(service, "3"))
        found = storage.find(ServiceFilter(service), limit=10, until=newest)
        assert ([each.entry.message for each in found.timed], found.total) == (["2", "1", "0"], 3)

    def test_filters(self, storage: Storage, writer: Writer, service: str) -> None:
        self.stored(storage, writer, _log(service, "Disk full", LogLevel.ERROR), _log(service, "disk ok"))
        mine = ServiceFilter(service)
        assert len(self.entries(storage, mine & KeywordFilter("DISK"))) == 2
        assert [each.message for each in self.entries(storage, mine & LevelFilter("error"))] == ["Disk full"]
        assert [each.message for each in self.entries(storage, mine & ~LevelFilter("error"))] == ["disk ok"]
        assert self.entries(storage, mine & KeywordFilter("missing")) == []

    def test_nothing_is_found_where_nothing_is(self, storage: Storage, service: str) -> None:
        found = storage.find(ServiceFilter(service), limit=10)
        assert (found.timed, found.total, found.newest) == ([], 0, 0)

    def test_counts(self, storage: Storage, writer: Writer, service: str) -> None:
        before = storage.counts()
        self.stored(storage, writer, _log(service), _log(service, level=LogLevel.ERROR))
        after = storage.counts()
        assert after.total - before.total == 2
        assert after.by_service[service] == 2
        assert after.by_level["ERROR"] - before.by_level.get("ERROR", 0) == 1
        assert after.total == storage.find(CompositeFilter(), limit=1).total

    def test_the_highest_id(self, storage: Storage, writer: Writer, service: str) -> None:
        block = writer.block(encoded([_log(service), _log(service)]), writer.arrival())
        storage.write([block])
        assert storage.highest() == writer.ids.nth(block.first, 1)

    def test_it_would_take_entries(self, storage: Storage) -> None:
        storage.ping()

    def test_what_another_lacks_is_found_and_brought(self, storage: Storage, writer: Writer, service: str) -> None:
        other = MemoryStorage(writer.ids)
        blocks = [
            writer.block(encoded([_log(service, f"{n}/{m}", metadata={"n": n}) for m in range(n)]), writer.arrival())
            for n in (1, 3)
        ]
        storage.write(blocks)
        _bring_all(storage, other)
        assert missing(storage, other) == []
        assert {block.origin: block.rows for block in blocks}.items() <= other.origins(_bucket(blocks[0])).items()
        assert _set(self.entries(other, ServiceFilter(service))) == _set(self.entries(storage, ServiceFilter(service)))

    def test_what_it_lacks_is_found_and_brought(self, storage: Storage, writer: Writer, service: str) -> None:
        other = MemoryStorage(writer.ids)
        self.stored(other, writer, *(_log(service, str(n)) for n in range(5)))
        assert sum(each.rows for each in missing(other, storage)) == 5
        _bring_all(other, storage)
        assert missing(other, storage) == []
        assert _set(self.entries(other, ServiceFilter(service))) == _set(self.entries(storage, ServiceFilter(service)))


def _bring_all(source: Storage, target: Storage) -> None:
    for lacking in missing(source, target):
        assert sum(bring(source, target, lacking)) == lacking.rows


def _set(entries: list[LogEntry]) -> list[tuple[str, str, datetime]]:
    return sorted((each.id, each.message, each.timestamp) for each in entries)


def _bucket(block: Block) -> int:
    return block.received // BUCKET
