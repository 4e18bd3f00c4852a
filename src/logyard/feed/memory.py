"""Entries in the memory of this process: for tests, for small programs, as the fast replica of something durable."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.errors import Backpressure
from logyard.feed.block import Block, Origin
from logyard.feed.entry import LogEntry
from logyard.feed.filters import LogFilter
from logyard.feed.reading import Timed, entries_of
from logyard.feed.storage import BUCKET, Counts, Digest, Found, digest
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch, Encoded
from logyard.model.ids import LogIds
from logyard.types import BatchId, LogId

__all__ = ["MemoryStorage"]

_SMALL: Final = 16_384
"""Rows up to which a part is joined with what comes behind it."""
_LAST: Final = LogId((1 << 63) - 1)


class _Part(msgspec.Struct, frozen=True):
    """Records that have been decoded."""

    frame: pl.DataFrame
    ids: pl.Series


class MemoryStorage:
    """``storage.Storage``. Blocks are kept as they come and decoded when somebody asks."""

    def __init__(self, ids: LogIds, *, capacity: int = 1_000_000) -> None:
        """``capacity``: entries that it takes; beyond them ``Backpressure``."""
        self._ids = ids
        self._capacity = capacity
        self._rows = 0
        self._buckets: dict[int, dict[Origin, Block]] = defaultdict(dict)
        self._fresh: list[Block] = []
        self._parts: list[_Part] = []
        self._lock = threading.Lock()
        self._decoding = threading.Lock()

    def write(self, blocks: Sequence[Block], *, fresh: bool = False) -> None:
        """Keep those that are new."""
        with self._lock:
            for block in blocks:
                self._keep(block)

    def find(self, wanted: LogFilter, *, limit: int, offset: int = 0, until: LogId | None = None) -> Found:
        """By the filter's own evaluation in memory."""
        parts = self._decoded()
        latest = _LAST if until is None else until
        hits = [
            _hits((place, part), wanted.mask(part.frame) & (part.ids <= latest)) for place, part in enumerate(parts)
        ]
        if not hits:
            return Found(timed=[], total=0, newest=LogId(0))
        found = pl.concat(hits).sort("time", "id", descending=True)
        newest = found["id"].sort(descending=True).head(1).to_list() or [0]
        timed = self._timed(parts, found.slice(offset, limit))
        return Found(timed=timed, total=found.height, newest=LogId(newest[0]))

    def get(self, log_id: LogId) -> LogEntry | None:
        """By looking through the ids."""
        parts = self._decoded()
        hits = [_hits((place, part), part.ids == log_id) for place, part in enumerate(parts)]
        found = self._timed(parts, pl.concat(hits)) if hits else []
        return found[0].entry if found else None

    def counts(self) -> Counts:
        """By level and service."""
        frames = [part.frame.select("level", "service") for part in self._decoded()]
        if not frames:
            return Counts(total=0, by_level={}, by_service={})
        whole = pl.concat(frames)
        by = {name: dict(whole[name].value_counts().rows()) for name in ("level", "service")}
        return Counts(total=whole.height, by_level=by["level"], by_service=by["service"])

    def highest(self) -> LogId:
        """Of all blocks."""
        with self._lock:
            blocks = [block for bucket in self._buckets.values() for block in bucket.values()]
        return max((self._ids.nth(block.first, block.rows - 1) for block in blocks), default=LogId(0))

    def ping(self) -> None:
        """Raises ``Backpressure`` when it is full."""
        self._refuse(1)

    def digests(self) -> Mapping[int, Digest]:
        """Of every bucket."""
        with self._lock:
            held = {bucket: list(blocks.values()) for bucket, blocks in self._buckets.items()}
        return {bucket: digest(list(self._numbers(blocks))) for bucket, blocks in held.items()}

    def origins(self, bucket: int) -> Mapping[Origin, int]:
        """Of the blocks of a bucket."""
        with self._lock:
            return {origin: block.rows for origin, block in self._buckets.get(bucket, {}).items()}

    def read(self, bucket: int, origins: Collection[Origin]) -> Iterator[Block]:
        """As they came."""
        with self._lock:
            held = self._buckets.get(bucket, {})
            found = [block for origin, block in held.items() if origin in origins]
        yield from found

    def close(self) -> None:
        """What is in memory goes with the object."""

    def _keep(self, block: Block) -> None:
        held, origin = self._buckets[block.received // BUCKET], block.origin
        if origin in held:
            return
        self._refuse(block.rows)
        held[origin] = block
        self._fresh.append(block)
        self._rows += block.rows

    def _refuse(self, more: int) -> None:
        if self._rows + more > self._capacity:
            raise Backpressure(f"the memory storage is full: it takes {self._capacity} entries (capacity)")

    def _numbers(self, blocks: Iterable[Block]) -> Iterator[LogId]:
        nth = self._ids.nth
        return (nth(block.first, index) for block in blocks for index in range(block.rows))

    def _decoded(self) -> list[_Part]:
        """All records, decoded; a part is never changed. Who writes does not wait for it."""
        with self._decoding:
            with self._lock:
                fresh, self._fresh = self._fresh, []
            if fresh:
                self._decode(fresh)
            return list(self._parts)

    def _decode(self, fresh: Sequence[Block]) -> None:
        frame = joined([_batch(block) for block in fresh])
        ids = pl.Series("id", list(self._numbers(fresh)), dtype=pl.Int64)
        if self._parts and self._parts[-1].ids.len() < _SMALL:
            last = self._parts.pop()
            frame, ids = pl.concat([last.frame, frame]), pl.concat([last.ids, ids])
        self._parts.append(_Part(frame, ids))

    def _timed(self, parts: Sequence[_Part], hits: pl.DataFrame) -> list[Timed]:
        """The entries of ``hits``, in its order."""
        found: dict[int, Timed] = {}
        for place in hits["part"].unique().to_list():
            mine = hits.filter(pl.col("part") == place)
            ids = mine["id"].to_list()
            texts = [self._ids.text(LogId(each)) for each in ids]
            found |= zip(ids, entries_of(texts, parts[place].frame[mine["row"]]), strict=True)
        return [found[each] for each in hits["id"].to_list()]


def _batch(block: Block) -> Batch:
    body = Encoded(lines=block.lines, rows=block.rows)
    return Batch(id=BatchId(b""), first=block.first, received=block.received, body=body)


def _hits(numbered: tuple[int, _Part], mask: pl.Series) -> pl.DataFrame:
    """Where the records are that are wanted."""
    place, part = numbered
    table = pl.DataFrame({"time": part.frame["timestamp"].to_physical(), "id": part.ids})
    return table.with_row_index("row").filter(mask).with_columns(pl.lit(place).alias("part"))
