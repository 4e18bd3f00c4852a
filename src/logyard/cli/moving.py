"""A move: all that one Logyard holds into another, while the first goes on.

In passes. A pass looks at everything that was received before its beginning, partition by partition: five minutes whose
row counts or checksums differ on the two sides are read there and stored here, each row once. A partition counts when
both sides say the same. What arrives meanwhile, also for partitions that counted, is the next pass's. The passes get
shorter; the last one finds nothing to do, is over in a moment, or found no less than the one before it, and what it
looked at is the same on both sides.

Nothing depends on memory or on the journal: both sides are compared, not believed. A move that was killed, at any
moment, is started again.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.cli.journal import Journal, Verified
from logyard.cli.progress import Progress
from logyard.cli.yard import Yard
from logyard.errors import Corrupt
from logyard.store.holdings import Held
from logyard.store.partitions import Bucket, Extent, Slice, plan

__all__ = ["Move", "Outcome"]

_SHORT: Final = 3.0
"""Seconds: a pass that is over sooner is the last one."""
_TRIES: Final = 5
_MARGIN: Final = 60_000_000_000
"""Nanoseconds by which keys are asked for again: a batch is stored a little later than it was received."""
_MASK: Final = (1 << 64) - 1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a move did."""

    partitions: int
    rows: int
    """Records that both sides hold."""
    stored: int
    """Records that the target did not have before."""
    keys: int
    passes: int
    until: int
    """Everything received before then is there; nanoseconds."""
    later: int
    """Records that came to the source since."""
    others: int
    """Records of its own that the target holds in the same five minutes."""


class Move:
    """From one yard to another. ``monotonic``: seconds."""

    def __init__(
        self,
        source: Yard,
        target: Yard,
        journal: Journal,
        *,
        progress: Progress,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._target = target
        self._journal = journal
        self._progress = progress
        self._monotonic = monotonic
        self._stored = 0
        self._others: dict[str, int] = {}
        self._keys = 0

    def run(self) -> Outcome:
        """Move everything. Raises ``Corrupt`` when the sides cannot be made equal, and what either side raises."""
        since, passes, before = 0, 0, 0
        while True:
            passes += 1
            begun, stored = self._monotonic(), self._stored
            held = self._source.partitions()
            there = {each.name: each.rows for each in self._target.partitions(held.until).partitions}
            changed = [each for each in held.partitions if self._changed(each, there.get(each.name, 0))]
            self._progress.expect(sum(each.rows for each in changed))
            for extent in changed:
                self._partition(extent, held.until)
            self._keys += self._move_keys(since)
            since = max(0, held.until - _MARGIN)
            moved = self._stored - stored
            if not changed or self._monotonic() - begun < _SHORT or (passes > 1 and moved >= before):
                return self._outcome(held, passes)
            before = moved

    def _outcome(self, held: Held, passes: int) -> Outcome:
        now = self._source.partitions().partitions
        rows = sum(each.rows for each in held.partitions)
        return Outcome(
            partitions=len(held.partitions),
            rows=rows,
            stored=self._stored,
            keys=self._keys,
            passes=passes,
            until=held.until,
            later=max(0, sum(each.rows for each in now) - rows),
            others=sum(self._others.values()),
        )

    def _changed(self, extent: Extent, there: int) -> bool:
        """Whether it is new since both sides held the same: records are added or go, they never change.

        ``there``: how many the target has. Fewer than it had, and somebody has emptied it since.
        """
        known = self._journal.known(extent.name)
        return known is None or known.rows != extent.rows or there < known.rows

    def _partition(self, extent: Extent, until: int) -> None:
        """Make the target hold what the source holds there."""
        left = extent.rows
        compared = self._compare(extent, until)
        for attempt in range(_TRIES):
            if not compared.differing or (attempt and self._contained(compared, until)):
                self._verified(compared, until)
                self._progress.advance(left, extent.name)
                return
            for piece in compared.slices():
                self._stored += self._target.add(self._source.rows(extent.name, piece, until)).stored
                self._progress.advance(min(left, piece.rows), extent.name)
                left -= min(left, piece.rows)
            compared = self._compare(extent, until)
        raise Corrupt(f"{compared.unequal()} {self._target.name}, after {_TRIES} tries")

    def _compare(self, extent: Extent, until: int) -> "_Compared":
        mine = self._source.buckets(extent, until)
        theirs = {bucket.number: bucket for bucket in self._target.buckets(extent, until)}
        differing = frozenset(bucket.number for bucket in mine if not _same(bucket, theirs.get(bucket.number)))
        return _Compared(partition=extent.name, mine=mine, theirs=theirs, differing=differing)

    def _contained(self, compared: "_Compared", until: int) -> bool:
        """Whether the target has every row of what differs, among rows of its own: checksums cannot tell."""
        return compared.surplus > 0 and not any(
            self._target.add(self._source.rows(compared.partition, piece, until), dry=True).stored
            for piece in compared.slices()
        )

    def _verified(self, compared: "_Compared", until: int) -> None:
        self._others[compared.partition] = compared.surplus
        rows, checksum = sum(each.rows for each in compared.mine), sum(each.checksum for each in compared.mine) & _MASK
        self._journal.record(Verified(partition=compared.partition, rows=rows, checksum=checksum, until=until))
        more = f", beside {compared.surplus:,} of its own" if compared.surplus else ""
        same = f"{rows:,} records, checksum {checksum:016x}, the same on both sides"
        self._progress.say(f"{compared.partition}: {same}{more}")

    def _move_keys(self, since: int) -> int:
        """Keys of idempotency: a sender that goes over to the target may repeat itself there."""
        after, count = "00", 0
        while True:
            body = self._source.keys(after, since)
            found = pl.read_ipc_stream(io.BytesIO(body))
            if found.is_empty():
                return count
            count += self._target.add_keys(body).rows
            after = str(found["batch"][-1])


class _Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A partition on both sides."""

    partition: str
    mine: Sequence[Bucket]
    theirs: Mapping[int, Bucket]
    differing: frozenset[int]
    """Numbers of the source's buckets that the target does not hold as they are."""

    def slices(self) -> Iterator[Slice]:
        """What must be moved."""
        return plan(self.mine, self.differing)

    @property
    def surplus(self) -> int:
        """How many rows more the target has where it differs; 0 where it has fewer in any bucket."""
        there = {number: bucket.rows for number, bucket in self.theirs.items()}
        more = [there.get(each.number, 0) - each.rows for each in self.mine if each.number in self.differing]
        return sum(more) if all(each > 0 for each in more) else 0

    def unequal(self) -> str:
        """The beginning of a complaint."""
        here = sum(bucket.rows for bucket in self.mine if bucket.number in self.differing)
        there = sum(bucket.rows for number, bucket in self.theirs.items() if number in self.differing)
        return (
            f"partition {self.partition}: {len(self.differing)} of its five minutes hold {here:,} records "
            f"at the source and {there:,} in"
        )


def _same(mine: Bucket, theirs: Bucket | None) -> bool:
    return theirs is not None and (mine.rows, mine.checksum) == (theirs.rows, theirs.checksum)
