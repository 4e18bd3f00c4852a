"""A block: what one writer accepted as one, with the ids it has everywhere. What storages write and exchange.

A block is known by its *origin*: its writer's machine number and the arrival, which no two blocks share. It never
changes, so it may be written again, by whoever and in whatever order; and a storage that has nothing but its records
can tell which they are.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from logyard.clock import Clock
from logyard.errors import BadPayload
from logyard.feed.entry import NewLog
from logyard.formats.json.lines import DEFAULT_LIMITS, validate
from logyard.model.batch import Encoded
from logyard.model.ids import LogIds, machine_of
from logyard.types import LogId, Nanoseconds

__all__ = ["Block", "Origin", "Writer", "encoded"]

_JSON: Final = msgspec.json.Encoder(enc_hook=lambda value: dict(value) if isinstance(value, Mapping) else str(value))
_NOTHING: Final = b":{}"
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2262, 1, 1, tzinfo=UTC)
_UNWRITABLE: Final = (TypeError, ValueError, RecursionError)


class Origin(NamedTuple):
    """The name of a block."""

    machine: int
    received: int


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Records as lines of JSON, as ``Encoded`` has them; record ``i`` has the id ``LogIds.nth(first, i)``."""

    first: LogId
    received: Nanoseconds
    rows: int
    lines: bytes

    @property
    def origin(self) -> Origin:
        """Its name."""
        return Origin(machine_of(self.first), self.received)


class Writer:
    """Gives out ids and arrivals: one in a process for each machine number. Any thread, concurrently."""

    def __init__(self, ids: LogIds, clock: Clock) -> None:
        self.ids = ids
        self._clock = clock
        self._received = 0
        self._lock = threading.Lock()

    def arrival(self) -> Nanoseconds:
        """Now, and later than any arrival before."""
        with self._lock:
            self._received = received = max(self._clock.now(), self._received + 1)
        return Nanoseconds(received)

    def block(self, body: Encoded, received: Nanoseconds) -> Block:
        """These records as a block of ours. No two blocks of one storage have the same arrival."""
        return Block(first=self.ids.reserve(body.rows), received=received, rows=body.rows, lines=body.lines)

    def texts(self, block: Block) -> list[str]:
        """The ids of its records."""
        if block.rows == 1:
            return [self.ids.text(block.first)]
        return self.ids.texts(block.first, block.rows)


def encoded(logs: Sequence[NewLog], places: Sequence[int] | None = None) -> Encoded:
    """Entries, or those at some places among them, as a store takes them.

    Raises ``BadPayload`` that names the place of the first that no store can read.
    """
    if not logs:
        raise BadPayload("there are no entries")
    places = range(len(logs)) if places is None else places
    wanted = logs if len(places) == len(logs) else [logs[place] for place in places]
    for index, log in enumerate(wanted):
        if log.timestamp is not None:
            _check_time(log.timestamp, places[index])
    found = validate(_lines(wanted, places), limits=DEFAULT_LIMITS)
    if found.rejected:
        refusal = found.rejected[0]
        raise BadPayload(refusal.reason, index=places[refusal.index])
    if found.encoded is None:
        raise BadPayload("there are no entries")
    return found.encoded


def _lines(logs: Sequence[NewLog], places: Sequence[int]) -> bytes:
    try:
        lines = _JSON.encode_lines(logs) if len(logs) > 1 else _JSON.encode(logs[0])
        return _JSON.encode_lines([_without_nothing(log) for log in logs]) if _NOTHING in lines else lines
    except _UNWRITABLE as error:
        for place, log in zip(places, logs, strict=True):
            _check(log, place)
        raise BadPayload(f"cannot be written as JSON: {error}") from error


def _check(log: NewLog, place: int) -> None:
    try:
        _JSON.encode(log)
    except _UNWRITABLE as error:
        raise BadPayload(f"cannot be written as JSON: {error}", index=place) from error


def _check_time(time: datetime, place: int) -> None:
    """Refuse what could be anywhere on the earth, and what no store has room for."""
    if time.tzinfo is None:
        raise BadPayload(f"{time.isoformat()} has no time zone: say datetime(..., tzinfo=UTC)", index=place)
    if not _FIRST <= time < _END:
        raise BadPayload(f"{time.isoformat()} is not in 1970-2261", index=place)


def _without_nothing(log: NewLog) -> NewLog:
    """Without empty objects in its metadata: the engine keeps the fields of objects, and these have none."""
    return msgspec.structs.replace(log, metadata=_filled(log.metadata))


def _filled(values: Mapping[str, object]) -> dict[str, object]:
    inner = ((name, _filled(value) if isinstance(value, Mapping) else value) for name, value in values.items())
    return {name: value for name, value in inner if value != {}}
