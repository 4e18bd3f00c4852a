"""The cluster's tables out of the store's own migrations: one source of the schema for both adapters.

Each migration runs on every server by itself and is recorded there, so that a server that was away is brought up to
date when it returns. What holds records gets a name of its own (``logs_local``); the names that statements use are
Distributed tables over those, made anew after each migration. Where a keeper is configured the tables are Replicated:
then the servers copy parts among themselves, and the same token on a second replica is dropped.
"""

import re
from collections.abc import Iterable
from typing import Final

from logyard.store.cluster.url import ClusterUrl
from logyard.store.cluster.wire import NO_DATABASE, Wire
from logyard.store.mapping import literal
from logyard.store.migrate import Migration, migrate

__all__ = ["TABLES", "bring_up", "distributed", "is_replicated", "local"]

TABLES: Final = ("logs", "facets", "keyed_batches")
"""Tables that statements name."""

_TABLE: Final = re.compile(r"\b(TABLE IF NOT EXISTS|TABLE|TO|FROM|INTO) (logs|facets|keyed_batches)\b")
_ENGINE: Final = re.compile(r"ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?")
_KEEPER_PATH: Final = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
_WINDOW: Final = re.compile(r"\bnon_replicated_deduplication_window\b")
_RECORD: Final = "schema_migrations"
_FORMAT: Final = {"default_format": "TSV"}


def local(sql: str, *, suffix: str, replicated: bool) -> str:
    """A statement of a migration as a server of the cluster runs it."""
    if _RECORD in sql:
        return sql  # each server's own
    named = _TABLE.sub(rf"\1 \2{suffix}", sql)
    return _WINDOW.sub("replicated_deduplication_window", _ENGINE.sub(_replicated, named)) if replicated else named


def distributed(url: ClusterUrl) -> Iterable[str]:
    """The tables that statements name."""
    for table in TABLES:
        over = f"{literal(url.cluster)}, currentDatabase(), {literal(table + url.suffix)}"
        yield f"CREATE OR REPLACE TABLE {table} AS {table}{url.suffix} ENGINE = Distributed({over})"


def is_replicated(wire: Wire) -> bool:
    """Whether a keeper is configured, and the macros that Replicated tables need."""
    # Without a keeper the table system.zookeeper is not even there.
    keeper = "SELECT count() > 0 FROM system.tables WHERE database = 'system' AND name = 'zookeeper'"
    macros = "SELECT uniqExact(macro) = 2 FROM system.macros WHERE macro IN ('shard', 'replica')"
    settings = {**_FORMAT, **NO_DATABASE}
    return all(wire.query(sql, settings).strip() == b"1" for sql in (keeper, macros))


def bring_up(wire: Wire, url: ClusterUrl, *, replicated: bool) -> list[Migration]:
    """Bring one server's tables to the schema of this version; what was applied."""
    if url.database != "default":
        wire.execute(f"CREATE DATABASE IF NOT EXISTS {url.database}", NO_DATABASE)

    def execute(sql: str) -> None:
        wire.execute(local(sql, suffix=url.suffix, replicated=replicated))

    def applied() -> set[int]:
        return set(map(int, wire.query("SELECT version FROM schema_migrations", _FORMAT).split()))

    done = migrate(execute, applied)
    if url.cluster and (done or not _complete(wire)):
        for sql in distributed(url):
            wire.execute(sql)
    return done


def _complete(wire: Wire) -> bool:
    names = ", ".join(map(literal, TABLES))
    sql = f"SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN ({names})"
    return int(wire.query(sql, _FORMAT)) == len(TABLES)


def _replicated(engine: re.Match[str]) -> str:
    own = f", {engine[2]}" if engine[2] else ""
    return f"ENGINE = Replicated{engine[1]}({_KEEPER_PATH}{own})"
