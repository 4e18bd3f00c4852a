"""The order in which the latest batches were published, so that a subscriber who was away can go on where
it was.

Ids rise with time, but two batches may be acknowledged in the other order: "all with a higher id than the
last one I had" would lose records and repeat others. As long as the last one is remembered here, the answer
is exact; beyond that (a restart, a long absence) it is by id.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

import msgspec

from logyard.model.batch import Batch
from logyard.stream.chunk import Nth
from logyard.types import LogId

__all__ = ["Behind", "Recent"]

_BATCHES = 20_000


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """The records that come behind a certain one."""

    lowest: LogId
    """None of them has a lower id."""
    had: Sequence[tuple[LogId, LogId]]
    """Ranges of ids, first and last, that came before or are that one itself; sorted."""

    def __contains__(self, log_id: LogId) -> bool:
        place = bisect_right(self.had, (log_id, LogId(1 << 63))) - 1
        return log_id >= self.lowest and not (place >= 0 and log_id <= self.had[place][1])


class Recent:
    """The ids of the latest batches, in the order of publication."""

    def __init__(self, nth: Nth) -> None:
        """``nth`` is ``LogIds.nth``."""
        self._nth = nth
        self._ranges: deque[tuple[LogId, int]] = deque(maxlen=_BATCHES)

    def add(self, batch: Batch) -> None:
        """Remember it; costs next to nothing."""
        self.note(batch.first, batch.rows)

    def note(self, first: LogId, rows: int) -> None:
        """Remember a batch that nobody has opened."""
        self._ranges.append((first, rows))

    def behind(self, last: LogId) -> Behind:
        """What a subscriber who had the record ``last``, and all before it, has not had."""
        ranges = [(first, self._nth(first, rows - 1)) for first, rows in self._ranges if rows]
        place = next((index for index, (first, end) in enumerate(ranges) if first <= last <= end), None)
        if place is None:
            return Behind(lowest=LogId(last + 1), had=())
        had = sorted([*ranges[:place], (ranges[place][0], last)])
        lowest = min([LogId(last + 1), *(first for first, _ in ranges[place + 1 :])])
        return Behind(lowest=lowest, had=had)
