"""What the cluster holds, and what of it goes: asked of the servers one by one, put together here."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from logyard.ports import Retention, StoreStats
from logyard.store.cluster.node import Node
from logyard.store.cluster.url import ClusterUrl
from logyard.store.cluster.wire import JSON_LINES
from logyard.store.mapping import literal
from logyard.store.retention import Disk, Partition, expired
from logyard.types import Nanoseconds

__all__ = ["Contents"]

_DROPPED_AT_ONCE: Final = 100
_PARTS: Final = "FROM system.parts WHERE active AND database = currentDatabase() AND table = "


class _Stats(msgspec.Struct, frozen=True):
    """Of one server."""

    rows: int
    bytes_on_disk: int
    bytes_uncompressed: int
    parts: int
    partitions: list[str]
    oldest: int
    newest: int


class _Part(msgspec.Struct, frozen=True):
    """A partition on one server."""

    name: str
    newest: int
    bytes: int


class _Disk(msgspec.Struct, frozen=True):
    total: int
    used: int


class Contents:
    """Over all servers."""

    def __init__(self, nodes: Sequence[Node], url: ClusterUrl) -> None:
        """Only those that are reachable are asked."""
        self._nodes = nodes
        self._logs = f"logs{url.suffix}"
        self._facets = f"facets{url.suffix}"

    def stats(self, nodes: Iterable[Node]) -> StoreStats:
        """Of one server of each shard."""
        found = [self._stats(node) for node in nodes]
        filled = [each for each in found if each.rows]
        return StoreStats(
            rows=sum(each.rows for each in found),
            bytes_on_disk=sum(each.bytes_on_disk for each in found),
            bytes_uncompressed=sum(each.bytes_uncompressed for each in found),
            parts=sum(each.parts for each in found),
            partitions=len({name for each in found for name in each.partitions}),
            oldest=Nanoseconds(min(each.oldest for each in filled)) if filled else None,
            newest=Nanoseconds(max(each.newest for each in filled)) if filled else None,
        )

    def retain(self, rules: Retention, now: Nanoseconds) -> list[str]:
        """Drop what the rules say on every server; one that is away drops it with a later call."""
        nodes = [node for node in self._nodes if not node.trouble]
        held = {node: {part.name: part for part in self._partitions(node)} for node in nodes}
        gone = [each.name for each in expired(_merged(held.items()), rules, _fullest(nodes), now=now)]
        with ThreadPoolExecutor(len(nodes)) as threads:
            for done in [
                threads.submit(self._drop, node, [name for name in gone if name in held[node]]) for node in nodes
            ]:
                done.result()
        return gone

    def _drop(self, node: Node, names: Sequence[str]) -> None:
        for begin in range(0, len(names), _DROPPED_AT_ONCE):
            drops = (f"DROP PARTITION ID {literal(name)}" for name in names[begin : begin + _DROPPED_AT_ONCE])
            node.wire.execute(f"ALTER TABLE {self._logs} {', '.join(drops)}")
        if names:
            oldest = f"(SELECT toStartOfHour(min(timestamp)) FROM {self._logs})"
            node.wire.execute(f"DELETE FROM {self._facets} WHERE hour < {oldest}")

    def _stats(self, node: Node) -> _Stats:
        parts = f"{_PARTS}{literal(self._logs)}"
        sql = (
            "SELECT rows, bytes_on_disk, bytes_uncompressed, parts, partitions, oldest, newest FROM "
            "(SELECT sum(bytes_on_disk) AS bytes_on_disk, sum(data_uncompressed_bytes) AS bytes_uncompressed, "
            f"count() AS parts, groupUniqArray(partition_id) AS partitions {parts}) AS p CROSS JOIN "
            "(SELECT count() AS rows, toUnixTimestamp64Nano(min(timestamp)) AS oldest, "
            f"toUnixTimestamp64Nano(max(timestamp)) AS newest FROM {self._logs}) AS r"
        )
        return msgspec.json.decode(node.wire.query(sql, JSON_LINES), type=_Stats)

    def _partitions(self, node: Node) -> list[_Part]:
        sql = (
            "SELECT name, newest, bytes FROM (SELECT partition_id AS name, sum(bytes_on_disk) AS bytes "
            f"{_PARTS}{literal(self._logs)} GROUP BY name) AS p INNER JOIN (SELECT _partition_id AS name, "
            f"toUnixTimestamp64Nano(max(timestamp)) AS newest FROM {self._logs} GROUP BY name) AS r USING name"
        )
        answer = node.wire.query(sql, JSON_LINES)
        return [msgspec.json.decode(line, type=_Part) for line in answer.splitlines()]


def _merged(held: Iterable[tuple[Node, dict[str, _Part]]]) -> list[Partition]:
    """The cluster's partitions: of each shard the replica that has most of it, all shards together."""
    newest: dict[str, int] = {}
    sizes: dict[str, dict[int, int]] = {}
    for node, parts in held:
        for name, part in parts.items():
            newest[name] = max(newest.get(name, part.newest), part.newest)
            by_shard = sizes.setdefault(name, {})
            by_shard[node.slot.shard] = max(by_shard.get(node.slot.shard, 0), part.bytes)
    return [
        Partition(name=name, newest=Nanoseconds(last), bytes=sum(sizes[name].values())) for name, last in newest.items()
    ]


def _fullest(nodes: Sequence[Node]) -> Disk:
    """One disk as full as the fullest, as big as those of one replica of each shard."""
    sql = "SELECT sum(total_space) AS total, sum(total_space - free_space) AS used FROM system.disks"
    disks = {node: msgspec.json.decode(node.wire.query(sql, JSON_LINES), type=_Disk) for node in nodes}
    total = sum({node.slot.shard: disk.total for node, disk in disks.items()}.values())
    share = max((disk.used / disk.total for disk in disks.values() if disk.total), default=0.0)
    return Disk(total=total, used=int(total * share))
