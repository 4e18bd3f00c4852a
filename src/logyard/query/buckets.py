"""Groups of neighbouring values: ``stats by (_time:5m offset 1h, size:10KiB, ip:/24)``.

Times fall into steps that are counted from the epoch, weeks from Mondays; months and years follow the calendar.
Numbers fall to the multiple of the step below them, addresses to their network. Any other value is a group by
itself.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.numbers import format_ipv4, parse_duration, parse_ipv4, parse_number
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.model.timestamp import format_ns, parse
from logyard.query.expressions import bound, float_text, instant_text, ipv4, literal
from logyard.query.listing import read_field
from logyard.query.stage import Cell
from logyard.query.values import float_text as printed

__all__ = ["Bucket", "bucket_of_time", "read_bucket"]

_DAY: Final = 86_400_000_000_000
_STEPS: Final = {
    "nanosecond": 1, "microsecond": 1_000, "millisecond": 1_000_000, "second": 1_000_000_000, "minute": 60_000_000_000,
    "hour": 3_600_000_000_000, "day": _DAY, "week": 7 * _DAY,
}  # fmt: skip
_CALENDAR: Final = {"month": "toStartOfMonth", "year": "toStartOfYear"}
_MONDAY: Final = 4 * _DAY
"""The first Monday, from the epoch."""
_PLAIN: Final = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_NUMBER: Final = re.compile(_PLAIN, re.ASCII)
_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Bucket:
    """A field to group by; ``size`` and ``offset`` as written, "" for none."""

    field: str
    size: str = ""
    offset: str = ""

    def __str__(self) -> str:
        """``_time:5m offset 1h``."""
        size = f":{self.size}" if self.size else ""
        return f"{quote_if_needed(self.field)}{size}{f' offset {self.offset}' if self.offset else ''}"

    def key(self, cell: Cell) -> str:
        """What the engine groups by: whole nanoseconds for a time, else text."""
        if not self.size:
            return cell.text
        if cell.instant:
            return self._time_key(cell.instant)
        number = f"match(t, {literal(_PLAIN)}), {self._number_key('t')}"
        address = f"isNotNull({ipv4('t')}), {self._ipv4_key('t', self._network())}"
        return bound("t", cell.text, f"multiIf({number}, {address}, t)")

    def cell(self, cell: Cell, column: str) -> Cell:
        """The group's value, where ``column`` holds the key of ``cell``."""
        if not (self.size and cell.instant):
            return Cell(column)
        instant = f"fromUnixTimestamp64Nano(toInt64({column}), 'UTC')"
        return Cell(instant_text(instant), instant=instant)

    def keys(self, values: pl.Series) -> pl.Series:
        """In memory: the group's value for each of the values."""
        if not self.size:
            return values
        found = {text: self.value(text) for text in values.unique()}
        if not found:
            return values
        return values.replace_strict(list(found), list(found.values()), return_dtype=pl.String)

    def value(self, text: str) -> str:
        """The group's value for one value."""
        instant = parse(text) if self.field == "_time" or text[4:5] == "-" else None
        if instant is not None and (self.size in _CALENDAR or self.step()):
            return format_ns(self._floor(instant))
        if _NUMBER.fullmatch(text):
            step, shift = self._amount(), self._shift()
            return printed(math.floor((float(text) - shift) / step) * step + shift) if step else text
        address = parse_ipv4(text)
        if address is None:
            return text
        return format_ipv4(self._masked(address))

    def step(self) -> int:
        """Nanoseconds, for times; 0 for months and years."""
        if self.size in _STEPS:
            return _STEPS[self.size]
        return int(parse_duration(self.size) or parse_number(self.size) or 0)

    def _shift(self) -> int:
        offset = int(parse_duration(self.offset) or parse_number(self.offset) or 0) if self.offset else 0
        return offset + (_MONDAY if self.size == "week" else 0)

    def _amount(self) -> float:
        return 0.0 if self.size.startswith("/") else abs(parse_number(self.size) or 0.0)

    def _network(self) -> int:
        return int(self.size[1:]) if self.size.startswith("/") else -1

    def _time_key(self, instant: str) -> str:
        if self.size in _CALENDAR:
            shifted = f"fromUnixTimestamp64Nano(toUnixTimestamp64Nano({instant}) - ({self._shift()}), 'UTC')"
            start = f"toInt64(toUnixTimestamp(toDateTime({_CALENDAR[self.size]}({shifted}), 'UTC')))"
            return f"{start} * 1000000000 + ({self._shift()})"
        step, shift = self.step(), self._shift() % max(1, self.step())
        moved = f"toUnixTimestamp64Nano({instant}) - {shift}" if shift else f"toUnixTimestamp64Nano({instant})"
        return (
            f"intDiv({moved} + {step}, {step}) * {step} - {step - shift}"
            if shift
            else f"intDiv({moved}, {step}) * {step}"
        )

    def _number_key(self, text: str) -> str:
        step, shift = self._amount(), float(self._shift())
        if not step:
            return text
        return float_text(f"floor((toFloat64({text}) - ({shift!r})) / {step!r}) * {step!r} + ({shift!r})")

    def _ipv4_key(self, text: str, network: int) -> str:
        if network >= 0:
            mask = ((1 << network) - 1) << (_BITS - network)
            return f"IPv4NumToString(bitAnd(toUInt32(ifNull({ipv4(text)}, 0)), {mask}))"
        step = int(self._amount())
        if not step:
            return text
        return bound("a", f"toUInt32(ifNull({ipv4(text)}, 0))", f"IPv4NumToString(toUInt32(a - a % {step}))")

    def _masked(self, address: int) -> int:
        network = self._network()
        if network >= 0:
            return address & (((1 << network) - 1) << (_BITS - network))
        return address - address % max(1, int(self._amount()))

    def _floor(self, instant: int) -> int:
        shift = self._shift()
        if self.size not in _CALENDAR:
            step = self.step()
            return (instant - shift) // step * step + shift
        day = format_ns(instant - shift)
        start = f"{day[:7]}-01T00:00:00Z" if self.size == "month" else f"{day[:4]}-01-01T00:00:00Z"
        return (parse(start) or 0) + shift


def bucket_of_time(step: int, offset: int = 0) -> Bucket:
    """``_time`` in steps of so many nanoseconds."""
    return Bucket("_time", f"{step}ns", f"{offset}ns" if offset else "")


def read_bucket(parser: Parser) -> Bucket:
    """``field``, ``field:size`` or ``field:size offset o``."""
    field = read_field(parser)
    if not parser.take(":"):
        return Bucket(field)
    at = parser.token
    size = ("/" if parser.take("/") else "") + parser.word()
    bucket = Bucket(field, size)
    if not _good_size(bucket):
        raise parser.fail(f"{size!r} is no step such as 5m, 10KiB or /24", at=at)
    if not parser.take("offset"):
        return bucket
    at, offset = parser.token, parser.word()
    if parse_duration(offset) is None and parse_number(offset) is None:
        raise parser.fail(f"{offset!r} is no offset such as 30m", at=at)
    return Bucket(field, size, offset)


def _good_size(bucket: Bucket) -> bool:
    size = bucket.size
    if bucket.field == "_time":
        return size in _STEPS or size in _CALENDAR or bucket.step() > 0
    if size.startswith("/"):
        return size[1:].isdecimal() and int(size[1:]) <= _BITS
    return size in _STEPS or size in _CALENDAR or bool(parse_number(size))
