"""Tiers: records of a certain age move, by whole partitions, to a slower and cheaper place, and are found there as
before.

    hot ──(warm_days)──► warm ──(cold_days)──► cold
    the data directory    a directory           a directory or s3://bucket/prefix, read through a cache

The engine knows them as the volumes of one storage policy; what moves when is decided here, by the time of a
partition's newest record, and never by the engine's TTL. A partition only moves down. What arrives late for a partition
that has moved follows at the next look.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from logyard.store.places import Place
from logyard.types import Nanoseconds

__all__ = ["BACKUP_DISKS", "HOT", "POLICY", "Descent", "Lying", "Tier", "Tiers", "due", "engine_config"]

HOT = "default"
"""The first volume: the name that the engine gives to the one it has without us, so that a table can go on to tiers."""
POLICY = "tiers"
BACKUP_DISKS = tuple(f"backup{number:02d}" for number in range(64))
"""Names of disks that backups may use; they are made when a backup is."""
_DAY = 86_400_000_000_000


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier below the hot one."""

    name: str
    place: Place
    days: float
    """Age of a partition's newest record from which on it lies here."""


class Tiers(msgspec.Struct, frozen=True, kw_only=True):
    """All tiers below the hot one, the nearest first."""

    below: tuple[Tier, ...] = ()
    cache_bytes: int = 1 << 30
    """Of local disk for each that is object storage."""


class Lying(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of a partition lie."""

    partition: str
    newest: Nanoseconds
    volumes: frozenset[str]


class Descent(msgspec.Struct, frozen=True):
    """A partition that should move."""

    partition: str
    volume: str


def due(found: Sequence[Lying], tiers: Sequence[Tier], now: Nanoseconds) -> list[Descent]:
    """What should move, oldest first. Pure."""
    order = [HOT, *(tier.name for tier in tiers)]
    moves = []
    for lying in sorted(found, key=lambda each: each.newest):
        age = now - lying.newest
        wanted = max((index for index, tier in enumerate(tiers, 1) if age >= tier.days * _DAY), default=0)
        if wanted and any(order.index(volume) < wanted for volume in lying.volumes if volume in order):
            moves.append(Descent(lying.partition, order[wanted]))
    return moves


def engine_config(tiers: Tiers, *, cache: Path) -> str:
    """The engine's configuration, XML: the disks of the tiers, and what backups may use. Holds secrets."""
    disks = "".join(_disks(tier, cache, tiers.cache_bytes) for tier in tiers.below)
    volumes = "".join(f"<{tier.name}><disk>{tier.name}</disk></{tier.name}>" for tier in tiers.below)
    storage = (
        f"<storage_configuration><disks>{disks}</disks><policies><{POLICY}><volumes><{HOT}><disk>{HOT}</disk></{HOT}>"
        f"{volumes}</volumes><move_factor>0</move_factor></{POLICY}></policies></storage_configuration>"
    )
    allowed = "".join(f"<allowed_disk>{name}</allowed_disk>" for name in BACKUP_DISKS)
    return (
        "<clickhouse><custom_local_disks_base_directory>/</custom_local_disks_base_directory>"
        f"<backups>{allowed}</backups>{storage if tiers.below else ''}</clickhouse>"
    )


def _disks(tier: Tier, cache: Path, cache_bytes: int) -> str:
    settings = tier.place.disk()
    if settings["type"] == "local":
        return _disk(tier.name, settings)
    cached = {
        "type": "cache",
        "disk": f"{tier.name}_objects",
        "path": f"{cache / tier.name}/",
        "max_size": str(cache_bytes),
    }
    return _disk(f"{tier.name}_objects", {**settings, "type": "s3"}) + _disk(tier.name, cached)


def _disk(name: str, settings: dict[str, str]) -> str:
    inside = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in settings.items())
    return f"<{name}>{inside}</{name}>"
