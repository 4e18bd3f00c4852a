"""Migrations run once each, in order."""

import pytest

from logyard.errors import StoreFailed
from logyard.store.migrate import migrate, migrations


class Tables:
    """What an engine would remember."""

    def __init__(self, *applied: int) -> None:
        self.ran: list[str] = []
        self.versions = set(applied)

    def execute(self, sql: str) -> None:
        self.ran.append(sql)

    def applied(self) -> set[int]:
        return self.versions


def test_versions_rise_without_gaps() -> None:
    assert [step.version for step in migrations()] == list(range(1, len(list(migrations())) + 1))


def test_an_empty_store_gets_all() -> None:
    tables = Tables()
    assert [step.version for step in migrate(tables.execute, tables.applied)] == [step.version for step in migrations()]
    assert any("CREATE TABLE IF NOT EXISTS logs" in sql for sql in tables.ran)


def test_only_what_is_missing_runs() -> None:
    tables = Tables(1)
    assert next(step.version for step in migrate(tables.execute, tables.applied)) == 2


def test_a_newer_store_is_refused() -> None:
    tables = Tables(9999)
    with pytest.raises(StoreFailed, match="newer Logyard"):
        migrate(tables.execute, tables.applied)


def test_every_statement_may_run_again() -> None:
    for step in migrations():
        statements = [part for part in step.sql.split(";\n") if part.strip()]
        assert all("IF NOT EXISTS" in part for part in statements)
