"""``ports.Store`` on a ClickHouse cluster: the same tables, the same statements and the same promises as embedded.

    parcel ──► Replica s1r1, s1r2, s2r1, s2r2    a cursor of the log each (replica.py), the segment's bytes as they lie
                    │ pinning.py: which shard         (shipment.py) over HTTP (wire.py), one block under its token
    query ───► Readers: a server that lacks nothing (reading.py) ──► Distributed tables over all shards
    health ──► Node.check, once a second (node.py): tables (schema.py), place (topology.py)

Nothing is shared with other Logyards before the same cluster: each has its log, its cursors and its own view of who is
ready. What another one has acknowledged is seen as soon as that one has brought it to the replica that answers.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final, TypeVar

import polars as pl

from logyard.errors import LogyardError, NotNow
from logyard.model.batch import Receipt
from logyard.ports import Parcel, Retention, Rows, Sink, Statement, StoreStats
from logyard.store.cluster.answer import Answer
from logyard.store.cluster.contents import Contents
from logyard.store.cluster.failures import Away
from logyard.store.cluster.node import Node
from logyard.store.cluster.pinning import Change, Pins
from logyard.store.cluster.reading import Reader, Readers
from logyard.store.cluster.replica import Replica, Shard
from logyard.store.cluster.shipment import Shipment, shipments, whole_rows
from logyard.store.cluster.topology import places
from logyard.store.cluster.url import ClusterUrl
from logyard.store.cluster.wire import NO_DATABASE, Settings
from logyard.store.keyed import keyed_rows, known_batches, receipts
from logyard.store.mapping import COLUMNS, literal
from logyard.store.settings import INSERT_SETTINGS, with_settings
from logyard.types import BatchId, Nanoseconds

__all__ = ["ClusterStore"]

_FORMAT: Final[Settings] = {"default_format": "ArrowStream", "distributed_product_mode": "global"}
"""A sub-select over all shards in a query over all shards is run once, and its answer sent to all."""
_CHECK_SECONDS: Final = 1.0
_TRIES: Final = 3
_KEPT: Final = 8
_NOW: Final = Nanoseconds(1 << 62)
"""Later than any change of the shards: what is loaded is spread over those of today."""
Result = TypeVar("Result")


class ClusterStore:
    """All shards and replicas of one cluster."""

    def __init__(
        self, url: ClusterUrl, pins: Callable[[int], Sequence[Change]], *, sequential_ids: bool = False
    ) -> None:
        """Reach the cluster, and bring every server that answers up to date. Raises ``StoreFailed``.

        ``pins`` tells, for so many shards, how many there have been (``pinning.remembered``).
        """
        self._url = url
        self._sequential = sequential_ids
        found = places(url)
        self._nodes = [Node(place, url) for place in found]
        numbers = sorted({node.slot.shard for node in self._nodes})
        self._pins = Pins(pins(len(numbers)), url.shard_by)
        self._shards = [self._shard(number) for number in numbers]
        self._readers = Readers(self._shards, url)
        self._contents = Contents(self._nodes, url)
        self._sent: OrderedDict[str, Sequence[Shipment]] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        _at_once([node.check for node in self._nodes])
        self._watchers = [threading.Thread(target=self._watch, args=(node,), daemon=True) for node in self._nodes]
        for watcher in self._watchers:
            watcher.start()

    def sinks(self) -> Sequence[Sequence[Sink]]:
        """The replicas, by shard."""
        return [shard.replicas for shard in self._shards]

    def insert(self, parcel: Parcel) -> None:
        """Store one sealed segment on every replica that it belongs to, one after the other."""
        for shard in self._shards:
            for replica in shard.replicas:
                if replica.wants(parcel.token, parcel.received):
                    replica.insert(parcel)

    def load(self, rows: Rows) -> None:
        """Store rows that are whole already, on every replica of the shards that they belong to, as of now."""
        shipment = whole_rows(rows)
        for shard in self._shards:
            condition = self._pins.condition(shard.number, _NOW) if rows.table == "logs" else ""
            for replica in shard.replicas:
                if replica.wants(rows.token, _NOW):
                    replica.node.wire.insert(
                        shipment.sql(f"{rows.table}{self._url.suffix}", condition),
                        shipment.body,
                        {**INSERT_SETTINGS, "insert_deduplication_token": rows.token},
                    )

    def query(self, statement: Statement) -> pl.DataFrame:
        """The whole answer."""

        def ask(reader: Reader) -> bytes:
            with self._asked(reader, statement) as answer:
                return answer.all()

        found = self._somewhere(ask)
        return pl.read_ipc_stream(found) if found else pl.DataFrame()

    @contextmanager
    def stream(self, statement: Statement) -> Iterator[Iterator[pl.DataFrame]]:
        """The answer in pieces. Leaving the context stops the servers' work for it."""
        with ExitStack() as stack:
            answer = self._somewhere(lambda reader: stack.enter_context(self._asked(reader, statement)))
            yield answer.frames()

    def stop(self, mark: str) -> None:
        """Tell every server to end it."""
        sql = f"KILL QUERY WHERE Settings['log_comment'] = {literal(mark)} ASYNC"
        for node in self._nodes:
            with suppress(LogyardError):  # with a server that is gone its statements are, too
                node.wire.execute(sql, NO_DATABASE)

    def known(self, keys: Sequence[BatchId]) -> Mapping[BatchId, Receipt]:
        """Which of these keyed batches are stored, and what they got."""
        return receipts(self.query(Statement(sql=known_batches(keys)))) if keys else {}

    def retain(self, retention: Retention, now: Nanoseconds) -> Sequence[str]:
        """Drop what the rules say, on every server that can be reached; the partitions that went."""
        return self._contents.retain(retention, now)

    def stats(self) -> StoreStats:
        """Of one replica of each shard; reads no data."""
        return self._contents.stats([nodes[0] for nodes in self._readers.choose().shards])

    def close(self) -> None:
        """Let the servers be."""
        self._closed.set()
        for node in self._nodes:
            node.wire.close()
        for watcher in self._watchers:
            watcher.join()
        for node in self._nodes:
            node.wire.cut()  # what a watcher that was amid its question has put back

    def _shard(self, number: int) -> Shard:
        nodes = [node for node in self._nodes if node.slot.shard == number]
        return Shard([Replica(node, self._pins, self._send) for node in nodes]).join()

    def _send(self, node: Node, parcel: Parcel) -> None:
        """A shard's part of a parcel to one of its servers, then its keyed batches."""
        table, columns = f"logs{self._url.suffix}", ", ".join(COLUMNS)
        condition = self._pins.condition(node.slot.shard, parcel.received)
        for shipment in self._shipments(parcel):
            rows = f"SELECT {columns} FROM ({shipment.select}) WHERE {condition}" if condition else shipment.select
            sql = f"INSERT INTO {table} ({columns}) {rows} FORMAT {shipment.format}"
            settings = {**INSERT_SETTINGS, "insert_deduplication_token": shipment.token}
            if isinstance(shipment.body, bytes):
                node.wire.insert(sql, shipment.body, settings)
                continue
            with shipment.body.open("rb") as file:
                node.wire.insert(sql, file, settings)
        if rows := keyed_rows(parcel.batches):
            node.wire.execute(f"INSERT INTO keyed_batches{self._url.suffix} VALUES {rows}")
        node.synchronise()

    def _shipments(self, parcel: Parcel) -> Sequence[Shipment]:
        """What to send, made once for all replicas."""
        with self._lock:
            if parcel.token in self._sent:
                return self._sent[parcel.token]
        made = shipments(parcel, sequential=self._sequential)
        if any(isinstance(shipment.body, bytes) for shipment in made):
            return made  # soon made again, and memory that nobody counts
        with self._lock:
            self._sent[parcel.token] = made
            while len(self._sent) > _KEPT:
                self._sent.popitem(last=False)
        return made

    @contextmanager
    def _asked(self, reader: Reader, statement: Statement) -> Iterator[Answer]:
        sql = with_settings(statement.sql, statement.settings)
        settings = {**_FORMAT, "database": reader.database}
        if "readonly" not in statement.settings:
            settings["readonly"] = 2  # a statement that only reads ends when its reader goes away
        with reader.node.wire.stream(sql, settings) as answer:
            yield answer

    def _somewhere(self, ask: Callable[[Reader], Result]) -> Result:
        """Ask one server, and another one when it is found to be away."""
        for tried in range(1, _TRIES + 1):
            reader = self._readers.choose()
            try:
                return ask(reader)
            except Away:
                self._readers.recheck(reader)
                if tried == _TRIES:
                    raise
        raise NotNow("unreachable")  # pragma: no cover - the last try returns or raises

    def _watch(self, node: Node) -> None:
        while not self._closed.wait(_CHECK_SECONDS):
            node.check()


def _at_once(calls: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
