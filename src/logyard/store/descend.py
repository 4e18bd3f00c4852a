"""Moves partitions down the tiers from time to time, and reads the tiers out of the configuration."""

import asyncio
from collections.abc import Sequence

from logyard.clock import Clock
from logyard.config import Config
from logyard.errors import BadConfig, BadInput, LogyardError
from logyard.ports import Statement, Store
from logyard.store.mapping import literal
from logyard.store.places import open_place
from logyard.store.s3 import ObjectStorage
from logyard.store.tiers import Lying, Tier, Tiers, due
from logyard.telemetry import Event, Telemetry
from logyard.types import Nanoseconds

__all__ = ["PartitionsDescended", "TiersFailed", "descend", "descend_once", "storage_of", "tiers_of"]

_PARTS = "FROM system.parts WHERE active AND database = currentDatabase() AND table = 'logs'"


class PartitionsDescended(Event, frozen=True, kw_only=True):
    """Partitions that moved to a lower tier."""

    volume: str
    count: int = 1


class TiersFailed(Event, frozen=True, kw_only=True):
    """A partition could not be moved to its tier; it stays where it is and will be tried again."""

    severity = 40
    reason: str


def storage_of(config: Config) -> ObjectStorage:
    """The object storage of the configuration."""
    s3 = config.s3
    return ObjectStorage(endpoint=s3.endpoint, region=s3.region, access_key=s3.access_key, secret_key=s3.secret())


def tiers_of(config: Config) -> Tiers:
    """The tiers of the configuration. Raises ``BadConfig``."""
    rules = config.tiers
    named = [("warm", rules.warm, rules.warm_days), ("cold", rules.cold, rules.cold_days)]
    storage, below = storage_of(config), []
    for name, place, days in named:
        if not place:
            continue
        try:
            below.append(Tier(name=name, place=open_place(place, storage), days=days))
        except BadInput as error:
            raise BadConfig(str(error), path=f"tiers.{name}") from error
    if rules.warm and rules.cold and rules.cold_days < rules.warm_days:
        raise BadConfig(
            f"{rules.cold_days:g} is sooner than tiers.warm_days {rules.warm_days:g}", path="tiers.cold_days"
        )
    return Tiers(below=tuple(below), cache_bytes=rules.cache_bytes)


async def descend(store: Store, tiers: Tiers, seconds: float, *, clock: Clock, telemetry: Telemetry) -> None:
    """Check every so many seconds until cancelled. Without tiers, return at once."""
    while tiers.below:
        work = asyncio.create_task(asyncio.to_thread(descend_once, store, tiers.below, Nanoseconds(clock.now())))
        try:
            moved = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])  # the engine must not be closed under a partition on its way
            raise
        except LogyardError as error:
            telemetry.emit(TiersFailed(reason=type(error).__name__))
        else:
            for volume in moved:
                telemetry.emit(PartitionsDescended(volume=volume))
        await asyncio.sleep(seconds)


def descend_once(store: Store, tiers: Sequence[Tier], now: Nanoseconds) -> list[str]:
    """Move what is due; the volumes that partitions went to. Blocking, for as long as copying takes."""
    newest = store.query(
        Statement(sql="SELECT _partition_id, toUnixTimestamp64Nano(max(timestamp)) FROM logs GROUP BY _partition_id")
    )
    disks = store.query(Statement(sql=f"SELECT partition_id, groupUniqArray(disk_name) {_PARTS} GROUP BY partition_id"))
    volumes = {name: frozenset(found) for name, found in disks.rows()}
    lying = [
        Lying(partition=name, newest=Nanoseconds(latest), volumes=volumes[name])
        for name, latest in newest.rows()
        if name in volumes
    ]
    moves = due(lying, tiers, now)
    for move in moves:
        partition, volume = literal(move.partition), literal(move.volume)
        store.query(Statement(sql=f"ALTER TABLE logs MOVE PARTITION ID {partition} TO VOLUME {volume}"))
    return [move.volume for move in moves]
