"""The cluster's tables are the embedded ones under other names."""

import pytest

from logyard.store.cluster.schema import local
from logyard.store.migrate import migrations


@pytest.mark.parametrize(
    ("sql", "want"),
    [
        pytest.param("CREATE TABLE IF NOT EXISTS logs (", "CREATE TABLE IF NOT EXISTS logs_local (", id="a table"),
        pytest.param("ALTER TABLE logs ADD", "ALTER TABLE logs_local ADD", id="a change of one"),
        pytest.param("VIEW IF NOT EXISTS facets_of_logs TO facets AS", None, id="what a view writes"),
        pytest.param("CREATE TABLE IF NOT EXISTS schema_migrations (v)", None, id="the record of migrations"),
    ],
)
def test_names(sql: str, want: str | None) -> None:
    expected = want or sql.replace("TO facets ", "TO facets_local ")
    assert local(sql, suffix="_local", replicated=False) == expected


def test_without_a_suffix_nothing_changes() -> None:
    for step in migrations():
        assert local(step.sql, suffix="", replicated=False) == step.sql


@pytest.mark.parametrize(
    ("engine", "want"),
    [
        ("MergeTree", "ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')"),
        ("ReplacingMergeTree", "ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')"),
        (
            "SummingMergeTree(hits)",
            "ReplicatedSummingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', hits)",
        ),
    ],
)
def test_replicated_engines(engine: str, want: str) -> None:
    assert local(f"ENGINE = {engine}\nORDER BY x", suffix="_local", replicated=True) == f"ENGINE = {want}\nORDER BY x"


def test_every_table_that_holds_records_is_replicated() -> None:
    found = "\n".join(local(step.sql, suffix="_local", replicated=True) for step in migrations())
    assert found.count("ENGINE = Replicated") == 3
    assert "ENGINE = MergeTree" not in found
    assert "non_replicated" not in found
    assert found.count("    replicated_deduplication_window") + found.count(" replicated_deduplication_window") >= 2
    assert "FROM logs_local" in found
