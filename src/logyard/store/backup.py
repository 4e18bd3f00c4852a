"""Backups: the engine's own BACKUP, a manifest beside each, and proof.

A place holds a chain. Of each backup, named by its moment:

    20261125T231501Z/              what the engine wrote: the parts that no earlier backup of the chain has
    20261125T231501Z.backup        the manifest: JSON, every file of it with size and SHA-256; written last

A backup without its manifest never happened: what lies there of it is left over from a crash, and nobody reads it. The
engine copies a snapshot of its parts while inserts and queries go on, and leaves out what the backup before it holds.
It writes through a *disk* made for the place, not to ``File(...)`` or ``S3(...)``: a disk's paths are relative, so that
a chain may be copied elsewhere, and it does without the conditional PUT that ``S3(...)`` asks for and that OpenStack
Swift and others lack (docs/adr/0005-backup.md).

Records and the keys of idempotency are not copied in the same instant. What arrived while a backup ran may be in it or
not; a key whose records are not is taken out when it is restored, so that its sender's next try is stored.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from logyard.errors import BadInput, Corrupt, NotFound
from logyard.ports import Statement, Store
from logyard.store.mapping import literal
from logyard.store.places import Place
from logyard.store.tiers import BACKUP_DISKS
from logyard.types import Nanoseconds

__all__ = ["Backup", "Entry", "Finding", "back_up", "backups", "chain", "refuse_filled", "restore_into", "verify"]

_MANIFEST = ".backup"
_TABLES = ("facets_of_logs", "logs", "keyed_batches", "facets", "schema_migrations")


class Entry(msgspec.Struct, frozen=True):
    """One file of a backup."""

    name: str
    size: int
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest."""

    name: str
    base: str
    """The backup that this one goes on from; "" for one that stands alone."""
    disk: str
    """The engine's name for the place, which its own files mention."""
    begun: Nanoseconds
    """Everything acknowledged before then is in it."""
    rows: int
    """Records in it, with its chain."""
    files: list[Entry]

    @property
    def bytes(self) -> int:
        """What it added to the place."""
        return sum(entry.size for entry in self.files)


class Finding(msgspec.Struct, frozen=True):
    """Something wrong with a backup."""

    file: str
    what: str


def back_up(store: Store, place: Place, *, now: Nanoseconds, full: bool = False) -> Backup:
    """Write a backup of all there is in ``store``. ``full``: one that needs no other.

    Blocking. One at a time for a place. Raises ``BadInput``, ``NotNow`` or ``StoreFailed``; the place is then as good
    as before.
    """
    place.prepare()
    before = backups(place)
    base = before[-1].name if before and not full else ""
    disk = before[-1].disk if before else BACKUP_DISKS[zlib.crc32(place.url.encode()) % len(BACKUP_DISKS)]
    name = datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    _introduce(store, place, disk)
    going_on = f" SETTINGS base_backup = Disk({literal(disk)}, {literal(base)})" if base else ""
    store.query(Statement(sql=f"BACKUP DATABASE default TO Disk({literal(disk)}, {literal(name)}){going_on}"))
    rows = store.query(Statement(sql=f"SELECT count() AS rows FROM logs WHERE {_before(now)}"))["rows"][0]
    files = [Entry(file, size, _digest(place, file)) for file, size in place.list(f"{name}/")]
    made = Backup(name=name, base=base, disk=disk, begun=now, rows=rows, files=files)
    place.settle(f"{name}/")
    place.write(f"{name}{_MANIFEST}", msgspec.json.encode(made))
    return made


def backups(place: Place) -> list[Backup]:
    """All complete ones, the oldest first. Raises ``Corrupt`` for a manifest that cannot be read."""
    found = []
    for name, _ in place.list():
        if "/" in name or not name.endswith(_MANIFEST):
            continue
        with place.read(name) as pieces:
            text = b"".join(pieces)
        try:
            found.append(msgspec.json.decode(text, type=Backup))
        except msgspec.DecodeError as error:
            raise Corrupt(f"{place.url}/{name} is damaged: {error}") from error
    return sorted(found, key=lambda backup: backup.name)


def chain(found: Sequence[Backup], name: str = "") -> list[Backup]:
    """What the backup ``name`` (the newest without one) needs, itself first. Raises ``NotFound``."""
    known = {backup.name: backup for backup in found}
    wanted = name or (found[-1].name if found else "")
    links: list[Backup] = []
    while wanted:
        if wanted not in known:
            reason = (
                f"there is no backup {wanted!r}" if not links else f"{links[-1].name} needs {wanted}, which is gone"
            )
            raise NotFound(f"{reason}; there are: {', '.join(known) or 'none'}")
        links.append(known[wanted])
        wanted = known[wanted].base
    if not links:
        raise NotFound("there is no backup")
    return links


def verify(place: Place, links: Sequence[Backup], report: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Read every file and compare it with its manifest. ``report`` hears of the bytes that were read."""
    for backup in links:
        there = dict(place.list(f"{backup.name}/"))
        for entry in backup.files:
            if entry.name not in there:
                yield Finding(entry.name, "is missing")
            elif there[entry.name] != entry.size:
                yield Finding(entry.name, f"has {there[entry.name]} bytes instead of {entry.size}")
            elif _digest(place, entry.name) != entry.sha256:
                yield Finding(entry.name, "has changed: its SHA-256 is another")
            report(entry.size)


def restore_into(store: Store, place: Place, links: Sequence[Backup]) -> int:
    """Fill a fresh store from a backup and its chain; how many records it holds then.

    What the engine copies is not verified here: ``verify`` first. The schema is that of the backup: open the store
    anew.
    """
    wanted = links[0]
    for table in _TABLES:
        store.query(Statement(sql=f"DROP TABLE IF EXISTS {table} SYNC"))
    _introduce(store, place, wanted.disk)
    source = f"Disk({literal(wanted.disk)}, {literal(wanted.name)})"
    store.query(Statement(sql=f"RESTORE DATABASE default FROM {source} SETTINGS storage_policy = 'default'"))
    store.query(
        Statement(
            sql=f"DELETE FROM keyed_batches WHERE NOT ({_before(wanted.begun, 'received')}) AND first NOT IN "
            f"(SELECT id FROM logs WHERE NOT ({_before(wanted.begun)}))"
        )
    )
    rows: int = store.query(Statement(sql="SELECT count() AS rows FROM logs"))["rows"][0]
    return rows


def _introduce(store: Store, place: Place, disk: str) -> None:
    """Tell the engine of a disk: it learns of one by a table that wants to lie there, and keeps it for good."""
    known = store.query(Statement(sql=f"SELECT name FROM system.disks WHERE name = {literal(disk)}"))
    if known.height:
        return
    settings = ", ".join(f"{key} = {literal(value)}" for key, value in place.disk().items())
    table = f"place_of_{disk}"
    store.query(Statement(sql=f"DROP TABLE IF EXISTS {table} SYNC"))
    store.query(
        Statement(
            sql=f"CREATE TABLE {table} (nothing UInt8) ENGINE = MergeTree ORDER BY nothing "
            f"SETTINGS disk = disk(name = {literal(disk)}, {settings})"
        )
    )
    store.query(Statement(sql=f"DROP TABLE {table} SYNC"))


def _digest(place: Place, name: str) -> str:
    found = hashlib.sha256()
    with place.read(name) as pieces:
        for piece in pieces:
            found.update(piece)
    return found.hexdigest()


def _before(moment: Nanoseconds, column: str = "observed") -> str:
    return f"{column} < fromUnixTimestamp64Nano(toInt64({moment}), 'UTC')"


def refuse_filled(data: Path) -> None:
    """Raises ``BadInput`` unless ``data`` is empty or not there."""
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BadInput(f"{data} is not empty: restore into a new directory, and move it into place yourself")
