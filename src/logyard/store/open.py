"""Which store a configuration names: the one place that picks an adapter, and loads no more than that one."""

from logyard.clock import Clock
from logyard.config import Config
from logyard.errors import MissingPart
from logyard.ports import Store
from logyard.store.descend import tiers_of
from logyard.types import Nanoseconds
from logyard.wal.disk import RealDisk

__all__ = ["open_store"]


def open_store(config: Config, clock: Clock) -> Store:
    """The embedded store in the data directory, or the cluster of the setting ``store``. Raises ``BadConfig``,
    ``StoreFailed``, ``MissingPart``.
    """
    sequential = config.ingest.ids == "sequential"
    if not config.store:
        return _embedded(config, sequential=sequential)
    return _cluster(config, clock, sequential=sequential)


def _embedded(config: Config, *, sequential: bool) -> Store:
    from logyard.store.embedded import EmbeddedStore  # noqa: PLC0415 - the engine: 0.4 s and 280 MB, if it is not used

    return EmbeddedStore(config.data / "store", sequential_ids=sequential, tiers=tiers_of(config))


def _cluster(config: Config, clock: Clock, *, sequential: bool) -> Store:
    try:
        from logyard.store.cluster.pinning import remembered  # noqa: PLC0415 - an optional part
        from logyard.store.cluster.store import ClusterStore  # noqa: PLC0415 - an optional part
        from logyard.store.cluster.url import parse  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("logyard"):
            raise
        raise MissingPart(f"a store on a cluster (it imports {error.name})", "cluster") from error
    file, now = config.data / "shards", Nanoseconds(clock.now())
    return ClusterStore(
        parse(config.store), lambda shards: remembered(RealDisk(), file, shards, now=now), sequential_ids=sequential
    )
