"""``create_log_service``: storages from their names, nodes, groups and shards of them, and the service on top.

    storage         nodes of a shard                             with ``use_replication``
    "memory"        one                                          ``replicas`` of them
    a directory     the store in it, in this process             DIRECTORY/node-1 ..., a process for each
    clickhouse://   the cluster                                  refused: its own replicas are named in its URL
    http://         the server                                   refused: name the servers, one for each node
    a sequence      each is a node; without ``use_replication`` they are instances in front of one store

With ``shards`` a memory or directory is made for each; a sequence is cut into as many runs of nodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, TypedDict, Unpack

import msgspec

import logyard
from logyard.client import Client
from logyard.clock import Clock, SystemClock
from logyard.errors import BadConfig
from logyard.feed.balancing import Balance, balancer
from logyard.feed.block import Writer
from logyard.feed.group import Group, Mode, Replication
from logyard.feed.link import FAILURES, Link, LinkSettings
from logyard.feed.memory import MemoryStorage
from logyard.feed.process import ServerProcess
from logyard.feed.service import LogFeedingService
from logyard.feed.sharding import ShardBy, sharding
from logyard.feed.storage import Storage
from logyard.feed.yard import YardStorage
from logyard.model.ids import MACHINES, LogIds, SequentialIds, SnowflakeIds, UuidIds
from logyard.types import LogId

__all__ = ["FeedOptions", "StorageName", "create_log_service"]

StorageName = str | Path | Storage
Ids = Literal["snowflake", "uuid", "sequential"]
_MEMORY: Final = "memory"
_SERVERS: Final = ("http://", "https://")
_CLUSTERS: Final = ("clickhouse://", "clickhouses://")
_NEVER: Final = LogId(0)
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]


class FeedOptions(TypedDict, total=False):
    """What ``create_log_service`` can be told besides."""

    replicas: int
    """Nodes of a shard, with ``use_replication``: 3."""
    strategy: Literal["master-slave", "multi-master"]
    mode: Mode
    """"asynchronous", "quorum" or "synchronous"."""
    shards: int
    shard_by: ShardBy
    """"service" or "time"."""
    shard_span: timedelta
    """Of entries that are together in one shard, by time: an hour."""
    balance: Balance
    """"round-robin" or "least-loaded"."""
    ids: Ids
    """"snowflake", "uuid" or "sequential"."""
    machine: int
    """This writer's number in ids, 0 to 1023; no other writer, and no server, may have it."""
    timeout_seconds: float
    """How long a node may take to answer, and an acknowledgement may wait for further nodes."""
    health_seconds: float
    """Between two looks at whether a node answers."""
    backlog: int
    """Entries that wait for a node that is away; beyond them it is compared when it is back."""
    capacity: int
    """Entries that a storage in memory takes."""
    api_key: str
    """For servers."""
    data: str | Path
    """Directory of what has been accepted for a ClickHouse cluster and is not there yet: ./data."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    replicas: _Positive = 3
    strategy: Literal["master-slave", "multi-master"] = "master-slave"
    mode: Mode = "asynchronous"
    shards: _Positive = 1
    shard_by: ShardBy = "service"
    shard_span: timedelta = timedelta(hours=1)
    balance: Balance = "round-robin"
    ids: Ids = "snowflake"
    machine: Annotated[int, msgspec.Meta(ge=0, lt=MACHINES)] | None = None
    timeout_seconds: _Seconds = 10.0
    health_seconds: _Seconds = 1.0
    backlog: _Positive = 100_000
    capacity: _Positive = 1_000_000
    api_key: str = ""
    data: str = "data"

    @property
    def number(self) -> int:
        """The writer's machine number."""
        return 1 if self.machine is None else self.machine


def create_log_service(
    storage: StorageName | Sequence[StorageName] = _MEMORY,
    *,
    use_replication: bool = False,
    **options: Unpack[FeedOptions],
) -> LogFeedingService:
    """A service over storages, opened; closing it closes them. Raises ``BadConfig``, and what a storage raises."""
    settings = _settings(options)
    shards = list(_named(storage, settings, copies=settings.replicas if use_replication else 1))
    _check(shards, settings, use_replication=use_replication)
    clock = SystemClock()
    storages = _all_opened(shards, settings)
    with ExitStack() as opened:
        groups = []
        for names, nodes in zip(shards, storages, strict=True):
            groups.append(_group((names, nodes), settings, use_replication=use_replication, clock=clock))
            opened.callback(groups[-1].close)
        ids = _ids(settings, after=_highest(groups, settings))
        opened.pop_all()
    placing = sharding(settings.shard_by, len(groups), settings.shard_span)
    return LogFeedingService(groups, writer=Writer(ids, clock), sharding=placing, clock=clock)


def _settings(options: Mapping[str, object]) -> _Settings:
    given = {name: str(value) if name == "data" else value for name, value in options.items()}
    try:
        found = msgspec.convert(given, _Settings)
    except msgspec.ValidationError as error:
        raise BadConfig(str(error), path="create_log_service") from error
    if found.shard_span < timedelta(milliseconds=1):
        raise BadConfig(f"{found.shard_span} is no span of time that entries could be together in", path="shard_span")
    return found


def _named(
    storage: StorageName | Sequence[StorageName], settings: _Settings, *, copies: int
) -> Iterator[list[StorageName]]:
    """The names of the nodes of each shard."""
    if isinstance(storage, Sequence) and not isinstance(storage, str):
        yield from _cut(list(storage), settings.shards)
        return
    for shard in range(1, settings.shards + 1):
        yield [_numbered(storage, settings, (shard, node), copies=copies) for node in range(1, copies + 1)]


def _cut(nodes: list[StorageName], shards: int) -> Iterator[list[StorageName]]:
    if not nodes or len(nodes) % shards:
        raise BadConfig(f"{len(nodes)} storages cannot be cut into {shards} shards of as many nodes", path="storage")
    size = len(nodes) // shards
    yield from (nodes[start : start + size] for start in range(0, len(nodes), size))


def _numbered(storage: StorageName, settings: _Settings, place: tuple[int, int], *, copies: int) -> StorageName:
    """A storage of this name for one node of one shard."""
    if storage == _MEMORY or (settings.shards == 1 and copies == 1):
        return storage
    if not isinstance(storage, str | Path) or str(storage).startswith((*_SERVERS, *_CLUSTERS)):
        raise BadConfig(
            f"{storage!s} is one place: name one for each node (a cluster copies by itself)", path="storage"
        )
    parts = [f"shard-{place[0]}"] * (settings.shards > 1) + [f"node-{place[1]}"] * (copies > 1)
    return Path(storage).joinpath(*parts)


def _check(shards: Sequence[Sequence[StorageName]], settings: _Settings, *, use_replication: bool) -> None:
    names = [name for nodes in shards for name in nodes]
    if len(names) > 1 and settings.ids == "sequential":
        raise BadConfig("sequential ids are for one storage: several would be given the same", path="ids")
    if settings.machine is None and any(str(name).startswith(_SERVERS) for name in names):
        raise BadConfig(
            "say which number this writer has in ids: one that no server and no other writer has (a server "
            "has 1 by default)",
            path="machine",
        )
    if use_replication and any(str(name).startswith(_CLUSTERS) for name in names):
        raise BadConfig("a cluster copies by itself: its replicas are named in its URL", path="storage")


def _all_opened(shards: Sequence[Sequence[StorageName]], settings: _Settings) -> list[list[Storage]]:
    """Side by side: a process takes a second to begin. When one fails, the others are closed."""
    alone = sum(map(len, shards)) == 1
    with ThreadPoolExecutor(thread_name_prefix="feed") as pool:
        begun = [[pool.submit(_opened, name, settings, alone=alone) for name in names] for names in shards]
    each = [future for futures in begun for future in futures]
    failure = next((future.exception() for future in each if future.exception()), None)
    if failure is not None:
        for future in each:
            if not future.exception():
                future.result().close()
        raise failure
    return [[future.result() for future in futures] for futures in begun]


def _opened(name: StorageName, settings: _Settings, *, alone: bool) -> Storage:
    """``alone``: it is the only one, so that this process can be the one that has the directory open."""
    ids = _ids(settings)
    if not isinstance(name, str | Path):
        return name
    if name == _MEMORY:
        return MemoryStorage(ids, capacity=settings.capacity)
    if str(name).startswith(_SERVERS):
        return YardStorage(Client(str(name), api_key=settings.api_key, timeout=settings.timeout_seconds), ids)
    ingest = {"ids": settings.ids, "machine": settings.number}
    if str(name).startswith(_CLUSTERS):
        return YardStorage(logyard.open(settings.data, {"ingest": ingest, "store": str(name)}), ids)
    if alone:
        return YardStorage(logyard.open(name, {"ingest": ingest}), ids)
    given = {f"ingest.{setting}": str(value) for setting, value in ingest.items()}
    return YardStorage(ServerProcess(Path(name), given, timeout=settings.timeout_seconds), ids)


def _group(
    shard: tuple[Sequence[StorageName], Sequence[Storage]], settings: _Settings, *, use_replication: bool, clock: Clock
) -> Group:
    patience = LinkSettings(health_seconds=settings.health_seconds, backlog=settings.backlog)
    links = [
        Link(_shown(name, number), storage, settings=patience, clock=clock)
        for number, (name, storage) in enumerate(zip(*shard, strict=True), 1)
    ]
    how = Replication(
        strategy=settings.strategy if use_replication else "instances",
        mode=settings.mode,
        timeout_seconds=settings.timeout_seconds,
    )
    return Group(links, how, balancer=balancer(settings.balance), clock=clock)


def _shown(name: StorageName, number: int) -> str:
    if isinstance(name, Path):
        return name.name
    return name.rpartition("@")[2] if isinstance(name, str) and name != _MEMORY else f"node-{number}"


def _ids(settings: _Settings, *, after: LogId = _NEVER) -> LogIds:
    if settings.ids == "sequential":
        return SequentialIds(after + 1)
    kind = SnowflakeIds if settings.ids == "snowflake" else UuidIds
    return kind(settings.number, SystemClock(), after=after)


def _highest(groups: Sequence[Group], settings: _Settings) -> LogId:
    """What ids must be above. By the clock they are so anyway, unless it was put back: a node that is away is no reason
    to wait, except for ids that only count.
    """
    found = [_NEVER]
    for storage in (storage for group in groups for storage in group.storages()):
        try:
            found.append(storage.highest())
        except FAILURES:
            if settings.ids == "sequential":
                raise
    return max(found)
