"""What lies in each partition, and whether two stores hold the same there: the unit of moving, exporting and verifying.

A partition is cut into buckets of five minutes, the first column of the table's key. Of each bucket two numbers are
known: how many rows, and the sum of a 64-bit hash over every stored column of each row. The sum depends neither on the
order of the rows nor on the parts they lie in, a row that is there twice changes it, and both engines count it by the
same SQL (0.3 us a row). Buckets that differ are what must be moved; *slices* of a bounded size are how.

All SQL here names ``logs`` and its columns only, so that a distributed table answers as a local one does. A partition
is found by the expression it is made by, and always beside the times between which its rows lie: those prune, the
expression alone would not.
"""

from collections.abc import Container, Iterable, Iterator, Sequence

import msgspec
import polars as pl

from logyard.errors import BadInput
from logyard.store.mapping import COLUMNS, literal
from logyard.types import Nanoseconds

__all__ = [
    "BUCKET",
    "HASH",
    "PARTITION",
    "Bucket",
    "Extent",
    "Limits",
    "Slice",
    "buckets",
    "buckets_sql",
    "extents",
    "extents_sql",
    "plan",
    "rows_sql",
]

BUCKET = 300_000_000_000
"""Nanoseconds."""

_AGE = "abs(dateDiff('day', timestamp, observed))"
PARTITION = (
    f"toString(multiIf({_AGE} <= 45, toYYYYMMDD(timestamp), {_AGE} <= 1100, toYYYYMM(timestamp), toYear(timestamp)))"
)
"""The name of a row's partition: the table's PARTITION BY, held equal to it by a test."""

_HASHED = {
    "timestamp": "toUnixTimestamp64Nano(timestamp)",
    "observed": "toUnixTimestamp64Nano(observed)",
    "attributes": "mapKeys(attributes), mapValues(attributes)",
}
HASH = f"cityHash64({', '.join(_HASHED.get(column, column) for column in COLUMNS)})"
"""Of one row. Not for adversaries: it finds what was lost, doubled or damaged, not what was forged."""

_SIZE = "byteSize(message, attributes, stream, tags, objects) + 64"


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """A partition: how many rows, and between which times (both inside)."""

    name: str
    rows: int
    oldest: Nanoseconds
    newest: Nanoseconds


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """Five minutes of a partition."""

    number: int
    """Of five minutes since 1970."""
    rows: int
    checksum: int
    """Sum of the rows' hashes, modulo 2^64."""
    bytes: int
    """About, uncompressed."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a partition that fits into memory: buckets from ``first`` to ``last``, or one part of a single one."""

    first: int
    last: int
    part: int = 0
    parts: int = 1
    """How many parts the bucket is cut into, by a hash of the id."""
    rows: int = 0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How large a slice may be; a bucket beyond it is cut."""

    rows: int = 50_000
    bytes: int = 16 << 20


def extents_sql(conditions: Sequence[str] = ()) -> str:
    """Every partition. ``conditions`` must hold for the rows that count."""
    return (
        f"SELECT {PARTITION} AS name, count() AS rows, toUnixTimestamp64Nano(min(timestamp)) AS oldest, "
        f"toUnixTimestamp64Nano(max(timestamp)) AS newest FROM logs{_where(conditions)} "
        "GROUP BY name ORDER BY oldest, name"
    )


def extents(frame: pl.DataFrame) -> list[Extent]:
    """The answer to ``extents_sql``."""
    return [
        Extent(name=name, rows=rows, oldest=Nanoseconds(oldest), newest=Nanoseconds(newest))
        for name, rows, oldest, newest in frame.rows()
    ]


def buckets_sql(extent: Extent, conditions: Sequence[str] = ()) -> str:
    """The buckets of a partition, in order."""
    return (
        f"SELECT intDiv(toUnixTimestamp64Nano(timestamp), {BUCKET}) AS number, count() AS rows, "
        f"sumWithOverflow({HASH}) AS checksum, sum({_SIZE}) AS bytes "
        f"FROM logs{_where([*_inside(extent), *conditions])} GROUP BY number ORDER BY number"
    )


def buckets(frame: pl.DataFrame) -> list[Bucket]:
    """The answer to ``buckets_sql``."""
    return [
        Bucket(number=number, rows=rows, checksum=checksum, bytes=size) for number, rows, checksum, size in frame.rows()
    ]


def rows_sql(name: str, piece: Slice, conditions: Sequence[str] = ()) -> str:
    """The rows of a slice, in every stored column."""
    if not name.isdecimal():
        raise BadInput(f"{name!r} is no partition: partitions are named 20261125, 202611 or 2026")
    span = Extent(
        name=name,
        rows=0,
        oldest=Nanoseconds(piece.first * BUCKET),
        newest=Nanoseconds((piece.last + 1) * BUCKET - 1),
    )
    cut = [f"cityHash64(id) % {piece.parts} = {piece.part}"] if piece.parts > 1 else []
    return f"SELECT {', '.join(COLUMNS)} FROM logs{_where([*_inside(span), *cut, *conditions])}"


def plan(found: Iterable[Bucket], wanted: Container[int], limits: Limits | None = None) -> Iterator[Slice]:
    """Slices that hold the wanted ones of these buckets, each within the limits as far as averages tell.

    ``found``: all buckets of the partition, in order, so that no slice reaches over one that is not wanted.
    """
    most = limits or Limits()
    open_: list[Bucket] = []
    for bucket in found:
        if open_ and (bucket.number not in wanted or _times([*open_, bucket], most) > 1):
            yield from _cut(open_, most)
            open_ = []
        if bucket.number in wanted:
            open_.append(bucket)
    yield from _cut(open_, most)


def _times(found: Sequence[Bucket], limits: Limits) -> int:
    """How many slices these buckets need."""
    rows, size = sum(bucket.rows for bucket in found), sum(bucket.bytes for bucket in found)
    return max(-(-rows // limits.rows), -(-size // limits.bytes))


def _cut(found: Sequence[Bucket], limits: Limits) -> Iterator[Slice]:
    if not found:
        return
    parts = _times(found, limits)
    rows = sum(bucket.rows for bucket in found)
    for part in range(parts):
        share = rows // parts + (part < rows % parts)
        yield Slice(first=found[0].number, last=found[-1].number, part=part, parts=parts, rows=share)


def _inside(extent: Extent) -> list[str]:
    return [
        f"timestamp >= fromUnixTimestamp64Nano(toInt64({extent.oldest}), 'UTC')",
        f"timestamp <= fromUnixTimestamp64Nano(toInt64({extent.newest}), 'UTC')",
        f"{PARTITION} = {literal(extent.name)}",
    ]


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
