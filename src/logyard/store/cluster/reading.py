"""From which servers a query is answered: never from one that lacks what this process has found stored.

While all replicas are ready, statements run in the cluster's own database, over its Distributed tables. When some are
not, they run in a database of the same names made for the replicas that are, ``<db>_of_s1r1_s2r1r2``, whose tables are
``remote('h1:9000,h3:9000|h4:9000', ...)``.
"""

import itertools
import threading
from collections.abc import Sequence

import msgspec

from logyard.store.cluster.node import Node
from logyard.store.cluster.replica import Shard, ready
from logyard.store.cluster.schema import TABLES
from logyard.store.cluster.url import ClusterUrl
from logyard.store.mapping import literal

__all__ = ["Reader", "Readers"]


class Reader(msgspec.Struct, frozen=True):
    """Where to ask: the server that carries a query out, and the database it is asked in."""

    node: Node
    database: str
    shards: Sequence[Sequence[Node]]
    """By shard, the servers that may answer; the first of each is as good as any."""


class Readers:
    """Chooses for each query anew. Any thread."""

    def __init__(self, shards: Sequence[Shard], url: ClusterUrl) -> None:
        """``shards`` in order."""
        self._shards = shards
        self._url = url
        self._all = sum(len(shard.replicas) for shard in shards)
        self._turn = itertools.count()
        self._made: set[tuple[Node, str, int]] = set()
        self._lock = threading.Lock()

    def choose(self) -> Reader:
        """Raises ``Away`` when a shard has no server that may answer."""
        shards = [ready(shard) for shard in self._shards]
        nodes = [node for shard in shards for node in shard]
        node = nodes[next(self._turn) % len(nodes)]
        database = self._url.database
        if len(nodes) < self._all:
            database = self._database(node, shards)
        return Reader(node, database, shards)

    def recheck(self, reader: Reader) -> None:
        """Something broke on the way: look at all servers that took part."""
        for node in itertools.chain.from_iterable(reader.shards):
            node.check()

    def _database(self, node: Node, shards: Sequence[Sequence[Node]]) -> str:
        """A database on ``node`` whose tables reach just these servers."""
        name = f"{self._url.database}_of_{'_'.join(map(_named, shards))}"
        # A server that has been away may be another one now, with other tables: then they are made anew.
        made = (node, name, node.departures)
        with self._lock:
            if made not in self._made:
                self._make(node, name, shards)
                self._made.add(made)
        return name

    def _make(self, node: Node, name: str, shards: Sequence[Sequence[Node]]) -> None:
        addresses = literal(",".join("|".join(each.slot.native for each in shard) for shard in shards))
        login = f"{literal(self._url.user)}, {literal(self._url.password)}"
        node.wire.execute(f"CREATE DATABASE IF NOT EXISTS {name}")
        for table in TABLES:
            there = f"{literal(self._url.database)}, {literal(table + self._url.suffix)}"
            node.wire.execute(f"CREATE OR REPLACE TABLE {name}.{table} AS remote({addresses}, {there}, {login})")


def _named(shard: Sequence[Node]) -> str:
    return f"s{shard[0].slot.shard}" + "".join(f"r{node.slot.replica}" for node in shard)
