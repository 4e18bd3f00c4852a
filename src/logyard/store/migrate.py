"""Bring a store's tables to the schema of this version: ``migrations/NNNN_name.sql``, each once, in order.

A migration is plain SQL that may run again (``IF NOT EXISTS``): a crash between the statement and its record in
``schema_migrations`` must not lock the store. A store that is newer than the program is refused, not guessed at.
"""

from collections.abc import Callable, Iterator
from importlib import resources

import msgspec

from logyard.errors import StoreFailed

__all__ = ["Migration", "migrate", "migrations"]

_RECORD = (
    "CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String, at DateTime DEFAULT now()) "
    "ENGINE = MergeTree ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
)


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    sql: str


def migrations() -> Iterator[Migration]:
    """All steps there are, in order."""
    folder = resources.files("logyard.store").joinpath("migrations")
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        stem = file.name.removesuffix(".sql")
        if stem != file.name:
            version, _, name = stem.partition("_")
            yield Migration(int(version), name, file.read_text())


def migrate(execute: Callable[[str], None], applied: Callable[[], set[int]]) -> list[Migration]:
    """Apply what is missing; what was applied. ``applied`` reads the versions in ``schema_migrations``."""
    execute(_RECORD)
    have = applied()
    known = list(migrations())
    newer = have - {step.version for step in known}
    if newer:
        raise StoreFailed(
            f"the store has schema version {max(newer)}, this Logyard knows {known[-1].version}: use a newer Logyard"
        )
    missing = [step for step in known if step.version not in have]
    for step in missing:
        for statement in step.sql.split(";\n"):
            if statement.strip():
                execute(statement)
        execute(f"INSERT INTO schema_migrations (version, name) VALUES ({step.version}, '{step.name}')")
    return missing
