"""Identity of records: 63-bit numbers that rise with time, handed out in blocks, in three text forms.

A batch reserves one block; record ``i`` of it has ``nth(first, i)``. So an id costs nothing until someone
asks for it, and ids are stored as Int64 whatever their text form.

    snowflake    41 bits of milliseconds since 1970 (until 2039), 10 of machine, 12 of sequence; as text
                 ``1704110400000-1-123``: milliseconds, machine, sequence
    uuid         the same number as a UUID version 8 (RFC 9562): 48 bits of milliseconds, 12 of machine, 12 of
                 sequence, 50 of hash of the three, so that a mistyped one is noticed; sorts by time as text,
                 too
    sequential   1, 2, 3 ...; for one machine, and for tests

Within a process ids never repeat and never fall, even if the clock goes back. Across a restart this holds
when the new process is told the highest id so far (``after``).
"""

import hashlib
import re
import threading
from typing import Final, Protocol
from uuid import UUID

from logyard.clock import Clock
from logyard.errors import BadInput
from logyard.types import LogId

__all__ = ["MACHINES", "LogIds", "SequentialIds", "SnowflakeIds", "UuidIds", "machine_of"]

MACHINES: Final = 1 << 10
"""Machines are numbered from 0 to one below this."""

_SEQUENCES: Final = 1 << 12
_MACHINE_SHIFT: Final = 12
_TIME_SHIFT: Final = 22
_MILLISECONDS: Final = 1 << 41
_HASH_BITS: Final = 50
_NEVER: Final = LogId(0)
_LAST: Final = (1 << 63) - 1
_TEXT: Final = re.compile(r"(0|[1-9][0-9]{0,12})-(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,3})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class LogIds(Protocol):
    """Gives out ids. Any thread, concurrently."""

    def reserve(self, count: int) -> LogId:
        """The first id of a block of ``count`` that nobody else gets. Raises ``ValueError`` for a count below
        1.
        """
        ...

    def nth(self, first: LogId, index: int) -> LogId:
        """The id of record ``index`` (from 0) of the block that begins with ``first``. Pure."""
        ...

    def text(self, log_id: LogId) -> str:
        """How people see the id. Pure."""
        ...

    def texts(self, first: LogId, count: int) -> list[str]:
        """How people see the ids of a block, in order. Pure."""
        ...

    def parse(self, text: str) -> LogId:
        """The inverse of ``text``. Raises ``BadInput``."""
        ...


class _Blocks:
    """A counter that hands out runs of numbers, each run above all before."""

    def __init__(self, following: int) -> None:
        self._next = following
        self._lock = threading.Lock()

    def take(self, count: int, at_least: int = 0) -> int:
        if count < 1:
            raise ValueError(f"a block has at least one id, not {count}")
        with self._lock:
            first = max(self._next, at_least)
            self._next = first + count
        return first


class SnowflakeIds:
    """Ids of this machine by the clock. A block that does not fit a millisecond runs on into the next
    ones.
    """

    def __init__(self, machine: int, clock: Clock, *, after: LogId = _NEVER) -> None:
        """``machine``: 0 to 1023, different on each machine. ``after``: all ids will be higher than this
        one.
        """
        if not 0 <= machine < MACHINES:
            raise ValueError(f"machine must be from 0 to {MACHINES - 1}, not {machine}")
        self._machine = machine
        self._clock = clock
        self._blocks = _Blocks(_position(after) + 1 + (machine_of(after) > machine) * _SEQUENCES)

    def reserve(self, count: int) -> LogId:
        """The first id of a block of ``count``."""
        position = self._blocks.take(count, self._clock.now() // 1_000_000 * _SEQUENCES)
        return _compose(position, self._machine)

    def nth(self, first: LogId, index: int) -> LogId:
        """The id of record ``index`` of the block that begins with ``first``, whichever machine reserved
        it.
        """
        return _compose(_position(first) + index, machine_of(first))

    def text(self, log_id: LogId) -> str:
        """``milliseconds-machine-sequence``."""
        return f"{log_id >> _TIME_SHIFT}-{machine_of(log_id)}-{log_id % _SEQUENCES}"

    def texts(self, first: LogId, count: int) -> list[str]:
        """A run of sequences for each millisecond."""
        found: list[str] = []
        milliseconds, sequence = divmod(_position(first), _SEQUENCES)
        while len(found) < count:
            start = f"{milliseconds}-{machine_of(first)}-"
            end = min(_SEQUENCES, sequence + count - len(found))
            found += [f"{start}{each}" for each in range(sequence, end)]
            milliseconds, sequence = milliseconds + 1, 0
        return found

    def parse(self, text: str) -> LogId:
        """The inverse of ``text``."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise BadInput(f"not an id, which is written milliseconds-machine-sequence: {text!r}")
        milliseconds, machine, sequence = (int(part) for part in found.groups())
        if milliseconds >= _MILLISECONDS or machine >= MACHINES or sequence >= _SEQUENCES:
            raise BadInput(f"not an id, a part of it is too large: {text!r}")
        return _compose(milliseconds * _SEQUENCES + sequence, machine)


class UuidIds(SnowflakeIds):
    """Snowflake ids that look like a UUID."""

    def text(self, log_id: LogId) -> str:
        """A UUID version 8, lower case."""
        machine, sequence = machine_of(log_id), log_id % _SEQUENCES
        high = (log_id >> _TIME_SHIFT) << 16 | 8 << 12 | machine
        low = 0b10 << 62 | sequence << _HASH_BITS | _hash(log_id)
        return str(UUID(int=high << 64 | low))

    def texts(self, first: LogId, count: int) -> list[str]:
        """One by one."""
        return [self.text(self.nth(first, index)) for index in range(count)]

    def parse(self, text: str) -> LogId:
        """The inverse of ``text``; case does not count."""
        try:
            number = UUID(text).int
        except ValueError:
            raise BadInput(f"not an id, which is a UUID: {text!r}") from None
        milliseconds, machine = number >> 80, (number >> 64) % _SEQUENCES
        log_id = _compose(milliseconds * _SEQUENCES + (number >> _HASH_BITS) % _SEQUENCES, machine % MACHINES, text)
        if self.text(log_id) != text.lower():
            raise BadInput(f"not an id of Logyard: {text!r}")
        return log_id


class SequentialIds:
    """Ids that count up by one."""

    def __init__(self, start: int = 1) -> None:
        self._blocks = _Blocks(start)

    def reserve(self, count: int) -> LogId:
        """The first id of a block of ``count``."""
        return LogId(self._blocks.take(count))

    def nth(self, first: LogId, index: int) -> LogId:
        """``first + index``."""
        return LogId(first + index)

    def text(self, log_id: LogId) -> str:
        """Decimal digits."""
        return str(log_id)

    def texts(self, first: LogId, count: int) -> list[str]:
        """Decimal digits."""
        return list(map(str, range(first, first + count)))

    def parse(self, text: str) -> LogId:
        """The inverse of ``text``."""
        if _NUMBER.fullmatch(text) is None or int(text) > _LAST:
            raise BadInput(f"not an id, which is a number below 2^63: {text!r}")
        return LogId(int(text))


def machine_of(log_id: int) -> int:
    """The number of the machine that gave out a snowflake, or a UUID."""
    return log_id >> _MACHINE_SHIFT & (MACHINES - 1)


def _position(log_id: int) -> int:
    """How many ids one machine could have had before this one: sequences of all milliseconds, one after the
    other.
    """
    return (log_id >> _TIME_SHIFT) * _SEQUENCES + log_id % _SEQUENCES


def _compose(position: int, machine: int, given: str = "") -> LogId:
    milliseconds, sequence = divmod(position, _SEQUENCES)
    if milliseconds >= _MILLISECONDS:
        raise BadInput(f"an id holds times until 2039-09-07, not millisecond {milliseconds} {given}".rstrip())
    return LogId(milliseconds << _TIME_SHIFT | machine << _MACHINE_SHIFT | sequence)


def _hash(log_id: int) -> int:
    digest = hashlib.blake2b(log_id.to_bytes(8), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - _HASH_BITS)
