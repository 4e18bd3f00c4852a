"""SQL of users: what is answered, and what an attacker tries."""

from collections.abc import Callable, Sequence

import pytest

from logyard.errors import BadQuery, QueryStopped, StoreFailed
from logyard.query.search import Search

Filler = Callable[[str, Sequence[dict[str, object]]], None]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param("SELECT 1 AS a, 'x;y' AS b -- comment; with a semicolon", [{"a": 1, "b": "x;y"}], id="no table"),
        pytest.param("select count() >= 0 as here from logs;", [{"here": 1}], id="the table, a semicolon at the end"),
        pytest.param("WITH x AS (SELECT 2 AS a) SELECT a FROM x", [{"a": 2}], id="with"),
        pytest.param("SELECT 1 AS a UNION ALL SELECT 1", [{"a": 1}, {"a": 1}], id="union"),
        pytest.param("SELECT number AS n FROM numbers(2)", [{"n": 0}, {"n": 1}], id="numbers"),
        pytest.param("SELECT 1 IN (SELECT 1) AS a", [{"a": 1}], id="a set from a select"),
        pytest.param(
            "SELECT [1, 2] AS a, map('k', 1) AS b, NULL AS c", [{"a": [1, 2], "b": {"k": 1}, "c": None}], id="values"
        ),
        pytest.param("SELECT arrayMap(x -> x + 1, [1]) AS a", [{"a": [2]}], id="lambda"),
    ],
)  # fmt: skip
async def test_a_read_is_answered(search: Search, text: str, rows: list[dict[str, object]]) -> None:
    assert await search.sql(text) == rows


async def test_a_table_is_described_and_a_plan_explained(search: Search) -> None:
    assert "message" in {row["name"] for row in await search.sql("DESCRIBE logs")}
    assert await search.sql("EXPLAIN SELECT count() FROM logs")


async def test_rows_are_limited(search: Search) -> None:
    assert len(await search.sql("SELECT * FROM numbers(100)", limit=7)) == 7


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; DROP TABLE logs",
        "DROP TABLE logs",
        "INSERT INTO logs (id) VALUES (1)",
        "ALTER TABLE logs DELETE WHERE 1",
        "TRUNCATE TABLE logs",
        "SET max_execution_time = 0",
        "SYSTEM SHUTDOWN",
        "KILL QUERY WHERE 1",
        "SHOW TABLES",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM FiLe('/etc/passwd', 'LineAsString')",
        "SELECT file('/etc/passwd')",
        "SELECT `file`('/etc/passwd')",
        "SELECT * FROM `/etc/passwd`",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM `passwd.csv`",
        "SELECT 1 /* */ FROM /* x */ file('/etc/passwd')",
        "SELECT * FROM (SELECT * FROM file('/etc/passwd'))",
        "WITH (SELECT file('/etc/passwd')) AS a SELECT a",
        "WITH logs AS (SELECT * FROM file('/etc/passwd')) SELECT * FROM logs",
        "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
        "SELECT * FROM s3('http://127.0.0.1/x', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM mysql('127.0.0.1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM executable('ls', 'TSV', 'a String')",
        "SELECT * FROM Python(x)",
        "SELECT * FROM merge('system', '.*')",
        "SELECT * FROM merge(currentDatabase(), '.*')",
        "SELECT * FROM view(SELECT 1)",
        "SELECT * FROM dictionary('x')",
        "SELECT dictGet('x', 'y', 1)",
        "SELECT joinGet('x', 'y', 1)",
        "SELECT * FROM system.tables",
        "SELECT * FROM `system`.`processes`",
        "SELECT 1 IN system.tables",
        "SELECT 1 IN (SELECT 1 FROM system.tables)",
        "SELECT 1 NOT IN keyed_batches",
        "SELECT 1 GLOBAL IN keyed_batches",
        "SELECT * FROM keyed_batches",
        "SELECT * FROM logs JOIN keyed_batches ON 1 = 1",
        "SELECT (SELECT count() FROM keyed_batches)",
        "SELECT * FROM logs, schema_migrations",
        "SELECT 'keyed_batches AS (' FROM information_schema.tables",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)",
        "EXPLAIN SELECT * FROM file('/etc/passwd')",
        "EXPLAIN actions = 1 SELECT 1",
        "SELECT 1 INTO OUTFILE '/tmp/logyard-sandbox'",
        "SELECT 1 FORMAT JSON",
        "SELECT getSetting('readonly'), hostName(), currentUser()",
        "SELECT sleep(3)",
        "SELECT {a:String}",
        "SELECT",
        "'",
        "",
        "\0",
        "(" * 2000,
    ],
)
async def test_anything_else_is_refused(search: Search, text: str) -> None:
    with pytest.raises((BadQuery, StoreFailed)):
        await search.sql(text)


async def test_a_query_that_takes_too_much_is_stopped(search: Search) -> None:
    with pytest.raises(QueryStopped):
        await search.sql("SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) % 7 = 0", timeout=0.2)
    with pytest.raises(QueryStopped):
        await search.sql("SELECT groupArray(number) FROM numbers(10000000000)", timeout=5)


@pytest.mark.parametrize("text", ["SELECT 1 IN system.tables", "SELECT 1 NOT IN keyed_batches", "SELECT id IN logs"])
async def test_a_table_behind_in_is_seen_before_the_engine_sees_it(search: Search, text: str) -> None:
    with pytest.raises(BadQuery, match="a list or a SELECT must stand behind IN"):
        await search.sql(text)
