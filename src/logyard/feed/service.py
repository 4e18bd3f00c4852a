"""The feeding service: entries in, durable when the call returns, and found again.

ingest_log, ingest_batch ──► encoded ──► shard ──► Group.write ──► first node ──► the others
query, get_logs_...      ──► filter  ──► shards ─► Group.read  ──► merged, newest first
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Self, TypedDict, Unpack, cast

import msgspec

from logyard.clock import Clock
from logyard.errors import BadInput, BadPayload, Incomplete, NotNow, StoreFailed
from logyard.feed.block import Block, Writer, encoded
from logyard.feed.entry import LogEntry, NewLog
from logyard.feed.filters import CompositeFilter, LevelFilter, LogFilter, QueryFilter, ServiceFilter, TimeRangeFilter
from logyard.feed.group import Group
from logyard.feed.level import LogLevel
from logyard.feed.reading import Timed
from logyard.feed.sharding import Sharding
from logyard.feed.statistics import Recorder, ServiceStats
from logyard.feed.storage import Counts, Found
from logyard.types import LogId

__all__ = ["Details", "LogFeedingService", "LogPage"]

_MOST: Final = 100_000
_LOOK_AGAIN: Final = 0.01
_CLOSE_SECONDS: Final = 5.0


class Details(TypedDict, total=False):
    """What an entry may have besides; as ``NewLog`` has it."""

    metadata: Mapping[str, object]
    correlation_id: str
    source_ip: str
    timestamp: datetime


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of an answer, newest first."""

    entries: list[LogEntry]
    total: int
    """On all pages."""
    page: int
    limit: int
    newest: str
    """The highest id on all pages, for ``until``; "" when there is none."""


class LogFeedingService:
    """Any thread, concurrently. A context manager: leaving it closes it."""

    def __init__(self, groups: Sequence[Group], *, writer: Writer, sharding: Sharding, clock: Clock) -> None:
        """``create_log_service`` makes one. A group for each shard; the service closes them."""
        self._groups = tuple(groups)
        self._writer = writer
        self._sharding = sharding
        self._clock = clock
        self._recorder = Recorder(clock)

    # ------------------------------------------------------------------------------------------ in

    def ingest_log(self, level: LogLevel | str, message: str, service_name: str, **details: Unpack[Details]) -> str:
        """Store one entry; its id. On return it is as durable as its storage, on as many nodes as were promised.

        Raises ``BadInput`` (never will be taken), ``Incomplete`` (stored, but on too few nodes) or ``NotNow``.
        """
        with self._recorder.call(1):
            log = _new(level, message, service_name, details=details)
            return self._write([log])[0]

    def ingest_batch(self, logs: Iterable[NewLog | Mapping[str, object]]) -> list[str]:
        """Store entries, all or none of those of one shard; their ids, in order.

        A mapping has the keys of ``NewLog``; ``service`` stands for ``service_name``. Raises as ``ingest_log`` does;
        ``BadPayload`` names the entry that no store can read, and then nothing has been stored.
        """
        if isinstance(logs, Mapping):
            raise BadInput("ingest_batch takes a list of entries, and was given one: ingest_log takes it")
        given = list(logs)
        with self._recorder.call(len(given)):
            return self._write(_converted(given)) if given else []

    # ------------------------------------------------------------------------------------------ out

    def query(
        self,
        filter: LogFilter | str | None = None,  # noqa: A002 - the name that callers know
        limit: int = 100,
        page: int = 1,
        *,
        until: str = "",
    ) -> LogPage:
        """A page of what a filter says yes to, newest first; text is a filter in LogsQL.

        ``until``: the ``newest`` of the first page; entries that came later are left out, so that pages do not shift.
        """
        if limit < 1 or page < 1 or limit * page > _MOST:
            raise BadInput(f"page {page} of {limit} entries: both from 1, and at most {_MOST} entries deep")
        wanted = QueryFilter(filter) if isinstance(filter, str) else filter or CompositeFilter()
        found = self._find(wanted, limit * page, self._writer.ids.parse(until) if until else None)
        entries = [each.entry for each in found.timed[(page - 1) * limit : page * limit]]
        newest = self._writer.ids.text(found.newest) if found.newest else ""
        return LogPage(entries=entries, total=found.total, page=page, limit=limit, newest=until or newest)

    def get_logs_by_level(self, level: LogLevel | str, limit: int = 100) -> list[LogEntry]:
        """The newest of a level."""
        return self.query(LevelFilter(level), limit=limit).entries

    def get_logs_by_service(self, service_name: str, limit: int = 100) -> list[LogEntry]:
        """The newest of a service."""
        return self.query(ServiceFilter(service_name), limit=limit).entries

    def get_logs_by_time_range(self, start: datetime, end: datetime, limit: int = 100) -> list[LogEntry]:
        """The newest from ``start`` on and before ``end``."""
        return self.query(TimeRangeFilter(start, end), limit=limit).entries

    def get_log_by_id(self, log_id: str) -> LogEntry | None:
        """One entry; None when there is none of this id. Raises ``BadInput`` for what is no id."""
        number = self._writer.ids.parse(log_id)
        found = (group.read(lambda storage: storage.get(number)) for group in self._groups)
        return next((entry for entry in found if entry is not None), None)

    # ------------------------------------------------------------------------------------------ about itself

    def stats(self) -> ServiceStats:
        """What is stored, what was done, how the nodes are, and how far they lag."""
        counts = [found for group in self._groups if (found := _counts(group)) is not None]
        return ServiceStats(
            total_logs=sum(each.total for each in counts),
            complete=len(counts) == len(self._groups),
            by_level=_by_level(counts),
            by_service=_summed(each.by_service for each in counts),
            ingestion=self._recorder.figures(),
            shards=[group.statuses() for group in self._groups],
        )

    def promote(self, node: str, *, shard: int = 0) -> None:
        """Make a slave the master of its shard, after the master is gone. Raises ``BadConfig``, ``NotNow``."""
        self._groups[shard].promote(node)

    def settle(self, seconds: float) -> bool:
        """Wait until every node has everything; False when time was up before."""
        until = self._clock.monotonic() + seconds
        pause = threading.Event()
        while not all(group.complete for group in self._groups):
            if self._clock.monotonic() > until:
                return False
            pause.wait(_LOOK_AGAIN)
        return True

    def close(self) -> None:
        """Give nodes that answer a little time to get what they lack, then let go of everything."""
        if not any(node.state == "away" for group in self._groups for node in group.statuses()):
            self.settle(_CLOSE_SECONDS)
        for group in self._groups:
            group.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------ inside

    def _write(self, logs: Sequence[NewLog]) -> list[str]:
        received = self._writer.arrival()
        if len(self._groups) == 1:
            return self._write_block(0, self._writer.block(encoded(logs), received), ())
        places: dict[int, list[int]] = {}
        for index, log in enumerate(logs):
            places.setdefault(self._sharding.place(log, received), []).append(index)
        whole = {shard: encoded(logs, indexes) for shard, indexes in places.items()}  # before any of them is stored
        ids = [""] * len(logs)
        for shard, body in whole.items():
            block = self._writer.block(body, received)
            texts = self._write_block(shard, block, ids)
            for index, text in zip(places[shard], texts, strict=True):
                ids[index] = text
        return ids

    def _write_block(self, shard: int, block: Block, before: Sequence[str]) -> list[str]:
        """The ids of a block that has been written; ``before``: those of the call that have been written already."""
        try:
            self._groups[shard].write(block)
        except (NotNow, StoreFailed) as error:
            stored = [*filter(None, before), *(self._writer.texts(block) if isinstance(error, Incomplete) else ())]
            raise _in_part(error, stored) from error
        return self._writer.texts(block)

    def _find(self, wanted: LogFilter, limit: int, until: LogId | None) -> Found:
        """The newest of all shards."""
        pages = [
            self._groups[shard].read(lambda storage: storage.find(wanted, limit=limit, until=until))
            for shard in self._sharding.places(wanted)
        ]
        timed = [each for page in pages for each in page.timed]
        return Found(
            timed=sorted(timed, key=self._order, reverse=True) if len(pages) > 1 else timed,
            total=sum(page.total for page in pages),
            newest=max((page.newest for page in pages), default=LogId(0)),
        )

    def _order(self, each: Timed) -> tuple[int, LogId]:
        return each.time, self._writer.ids.parse(each.entry.id)


def _new(level: LogLevel | str, message: str, service_name: str, *, details: Details) -> NewLog:
    given = {"level": level, "message": message, "service_name": service_name, **details}
    try:
        return msgspec.convert(given, NewLog)
    except (msgspec.ValidationError, ValueError, TypeError):
        return _one(given, None)


def _converted(given: Sequence[NewLog | Mapping[str, object]]) -> list[NewLog]:
    try:
        return msgspec.convert(given, list[NewLog])
    except (msgspec.ValidationError, ValueError, TypeError):
        # Either one says ``service``, or one is bad: then it is named.
        return [_one(each, index) for index, each in enumerate(given)]


def _one(each: NewLog | Mapping[str, object], index: int | None) -> NewLog:
    if isinstance(each, NewLog):
        return each
    try:
        named = dict(each)
        if "service" in named and "service_name" not in named:
            named["service_name"] = named.pop("service")
        if isinstance(named.get("metadata"), Mapping):
            named["metadata"] = dict(cast("Mapping[str, object]", named["metadata"]))
        return msgspec.convert(named, NewLog)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise BadPayload(str(error), index=index) from error


def _in_part(error: NotNow | StoreFailed, stored: Sequence[str]) -> NotNow | StoreFailed:
    """The same error, or, when something is stored all the same, one that says so."""
    return Incomplete(str(error), ids=stored) if stored else error


def _counts(group: Group) -> Counts | None:
    try:
        return group.read(lambda storage: storage.counts())
    except (NotNow, StoreFailed):
        return None  # its nodes say why


def _by_level(counts: Iterable[Counts]) -> dict[LogLevel, int]:
    found = dict.fromkeys(LogLevel, 0)
    for name, count in _summed(each.by_level for each in counts).items():
        found[LogLevel(name) if name else LogLevel.INFO] += count
    return found


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            found[name] = found.get(name, 0) + count
    return found
