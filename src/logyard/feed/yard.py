"""Entries in a Logyard: a store in this process (``logyard.open``), a server, or, behind either, a cluster.

What another storage is compared by stands in each record: the time of its arrival, and the machine number in its id.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, cast

import msgspec

from logyard.client import Client
from logyard.client.answers import Row
from logyard.errors import NotFound, StoreFailed
from logyard.feed.block import Block, Origin
from logyard.feed.entry import LogEntry
from logyard.feed.filters import LogFilter
from logyard.feed.reading import entries_of_sent
from logyard.feed.storage import BUCKET, Counts, Digest, Found
from logyard.model.ids import LogIds, machine_of
from logyard.types import LogId, Nanoseconds

__all__ = ["Given", "Source", "YardStorage"]

_MOST: Final = 10_000_000
_PIECE: Final = 5_000
"""Records that are read as one."""
_FEW: Final = 500
"""Records that are asked for by their ids; more, by the range of these."""
_NANOS: Final = "toUnixTimestamp64Nano(observed)"
_WIDE: Final = "toUInt64(id)"
_SPREAD: Final = f"(bitXor({_WIDE}, bitShiftRight({_WIDE}, 29)) * 11400714819323198485)"
_MIXED: Final = f"bitXor({_SPREAD}, bitShiftRight({_SPREAD}, 32))"
"""``storage.mixed`` in SQL; sums of UInt64 are modulo 2^64 by themselves."""
_JSON: Final = msgspec.json.Encoder(enc_hook=str)


class _Held(NamedTuple):
    """A block, as far as the table knows of it."""

    first: LogId
    last: LogId
    rows: int
    received: Nanoseconds

    @property
    def origin(self) -> Origin:
        return Origin(machine_of(self.first), self.received)


class Source(Protocol):
    """Where a client comes from: ``process.py`` has one whose server may end and begin again."""

    def client(self) -> Client:
        """Raises ``NotNow`` while there is none."""
        ...

    def revive(self) -> None:
        """Do what can be done to have one. Raises ``NotNow``."""
        ...

    def close(self) -> None:
        """Nothing is asked afterwards."""
        ...


class Given:
    """A client that is always there."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def client(self) -> Client:
        """The one."""
        return self._client

    def revive(self) -> None:
        """It is there."""

    def close(self) -> None:
        """Close it."""
        self._client.close()


class YardStorage:
    """``storage.Storage`` over a client, which it closes."""

    def __init__(self, source: Client | Source, ids: LogIds) -> None:
        """``ids`` must be of the kind that the Logyard has (``ingest.ids``)."""
        self._source: Source = Given(source) if isinstance(source, Client) else source
        self._ids = ids

    @property
    def _client(self) -> Client:
        return self._source.client()

    def write(self, blocks: Sequence[Block], *, fresh: bool = False) -> None:
        """In one request: all of them share a sync of the log."""
        heads = [{"first": block.first, "received": block.received, "rows": block.rows} for block in blocks]
        lines = [_JSON.encode({"blocks": heads, "fresh": fresh}), *(block.lines for block in blocks)]
        self._client.replicate(b"\n".join(lines))

    def find(self, wanted: LogFilter, *, limit: int, offset: int = 0, until: LogId | None = None) -> Found:
        """By the engine."""
        shown = "" if until is None else self._ids.text(until)
        page = self._client.page(str(wanted), limit=limit, offset=offset, until=shown)
        newest = self._ids.parse(page.newest) if page.newest else LogId(0)
        return Found(timed=entries_of_sent(page.logs), total=page.total, newest=newest)

    def get(self, log_id: LogId) -> LogEntry | None:
        """By the index of ids."""
        try:
            return entries_of_sent([self._client.get(self._ids.text(log_id))])[0].entry
        except NotFound:
            return None

    def counts(self) -> Counts:
        """By level and service; the roll-up answers."""
        by = {name: self._by(name) for name in ("level", "service")}
        return Counts(total=sum(by["level"].values()), by_level=by["level"], by_service=by["service"])

    def highest(self) -> LogId:
        """By a scan of one column."""
        return LogId(self._numbers("SELECT max(id) AS highest FROM logs", "highest")[0][0])

    def ping(self) -> None:
        """Asks ``/readyz``."""
        self._source.revive()
        self._client.ready()

    def digests(self) -> Mapping[int, Digest]:
        """By a scan of two columns."""
        sql = (
            f"SELECT intDiv({_NANOS}, {BUCKET}) AS bucket, count() AS rows, sum({_MIXED}) AS checksum "
            "FROM logs GROUP BY bucket"
        )
        rows = self._numbers(sql, "bucket", "rows", "checksum")
        return {bucket: Digest(count, checksum) for bucket, count, checksum in rows}

    def origins(self, bucket: int) -> Mapping[Origin, int]:
        """One writer never gives two blocks the same arrival."""
        return {held.origin: held.rows for held in self._blocks(bucket)}

    def read(self, bucket: int, origins: Collection[Origin]) -> Iterator[Block]:
        """As records that were sent."""
        found = [held for held in self._blocks(bucket) if held.origin in origins]
        for piece in _pieces([held for held in found if held.last == self._ids.nth(held.first, held.rows - 1)]):
            records = self._records([each for held in piece for each in self._numbers_of(held)])
            for held in piece:
                lines = _JSON.encode_lines([records[each] for each in self._numbers_of(held)])
                body = lines.removesuffix(b"\n")
                yield Block(first=held.first, received=held.received, rows=held.rows, lines=body)

    def close(self) -> None:
        """Everything acknowledged is durable."""
        self._source.close()

    def _numbers_of(self, held: "_Held") -> list[LogId]:
        return [self._ids.nth(held.first, index) for index in range(held.rows)]

    def _by(self, field: str) -> dict[str, int]:
        return {each.value: each.hits for each in self._client.field_values(field, limit=_MOST)}

    def _blocks(self, bucket: int) -> list["_Held"]:
        sql = (
            f"SELECT min(id) AS first, max(id) AS last, count() AS rows, {_NANOS} AS received FROM logs "
            f"WHERE observed >= fromUnixTimestamp64Nano(toInt64({bucket * BUCKET}), 'UTC') "
            f"AND observed < fromUnixTimestamp64Nano(toInt64({(bucket + 1) * BUCKET}), 'UTC') "
            "GROUP BY received, bitAnd(bitShiftRight(id, 12), 1023) ORDER BY first"
        )
        return [
            _Held(LogId(first), LogId(last), rows, Nanoseconds(received))
            for first, last, rows, received in self._numbers(sql, "first", "last", "rows", "received")
        ]

    def _records(self, ids: Sequence[LogId]) -> dict[LogId, Row]:
        """Records by their ids. Raises ``StoreFailed`` when one of them is not there."""
        shown = {self._ids.text(each): each for each in ids}
        low, high = min(ids), max(ids)
        listed = ",".join(map(str, ids)) if len(ids) < _FEW else ""
        text = f"id:>={low} id:<={high}" + (f" id:in({listed})" if listed else "")
        found: dict[LogId, Row] = {}
        offset, until = 0, ""
        while len(found) < len(ids):
            page = self._client.page(text, limit=_PIECE, offset=offset, until=until)
            found |= {shown[str(row["id"])]: row for row in page.logs if str(row["id"]) in shown}
            if not page.logs:
                raise StoreFailed(f"{len(ids) - len(found)} records of {self._client.url} are counted and not found")
            offset, until = offset + len(page.logs), page.newest
        return {log_id: {name: value for name, value in row.items() if name != "id"} for log_id, row in found.items()}

    def _numbers(self, sql: str, *names: str) -> list[tuple[int, ...]]:
        rows = cast("Sequence[Mapping[str, int]]", list(self._client.sql(sql, limit=_MOST)))
        return [tuple(int(row[name]) for name in names) for row in rows]


def _pieces(blocks: Sequence[_Held]) -> Iterator[list[_Held]]:
    """Runs of blocks that are read as one."""
    piece: list[_Held] = []
    rows = 0
    for block in blocks:
        if piece and (len(piece) >= _FEW or rows + block.rows > _PIECE):
            yield piece
            piece, rows = [], 0
        piece.append(block)
        rows += block.rows
    if piece:
        yield piece
