"""What one storage has and another lacks, found by comparing and brought over block by block.

Nothing is remembered between two comparisons, and nothing believed: after an outage, a crash, or a split, whoever
compares finds what is missing. Blocks are known by their origins and never change, so two that compare at once, or a
comparison beside writing, do no harm.
"""

from collections.abc import Iterator, Mapping

import msgspec

from logyard.feed.block import Block, Origin
from logyard.feed.storage import Digest, Storage

__all__ = ["Missing", "bring", "missing"]

_AT_ONCE = 2_000
"""Records that are written in one go, about."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """What a target lacks of one bucket."""

    bucket: int
    origins: frozenset[Origin]
    rows: int


def missing(source: Storage, target: Storage) -> list[Missing]:
    """The blocks of ``source`` that ``target`` does not have, by bucket, the oldest first."""
    theirs: Mapping[int, Digest] = target.digests()
    differing = sorted(bucket for bucket, digest in source.digests().items() if theirs.get(bucket) != digest)
    found = (_missing(source, target, bucket) for bucket in differing)
    return [each for each in found if each.origins]


def bring(source: Storage, target: Storage, lacking: Missing) -> Iterator[int]:
    """Write them; gives the numbers of records as they have been written."""
    for blocks in _portions(source.read(lacking.bucket, lacking.origins)):
        target.write(blocks)
        yield sum(block.rows for block in blocks)


def _missing(source: Storage, target: Storage, bucket: int) -> Missing:
    there = target.origins(bucket)
    lacking = {origin: rows for origin, rows in source.origins(bucket).items() if origin not in there}
    return Missing(bucket=bucket, origins=frozenset(lacking), rows=sum(lacking.values()))


def _portions(blocks: Iterator[Block]) -> Iterator[list[Block]]:
    portion: list[Block] = []
    rows = 0
    for block in blocks:
        portion.append(block)
        rows += block.rows
        if rows >= _AT_ONCE:
            yield portion
            portion, rows = [], 0
    if portion:
        yield portion
