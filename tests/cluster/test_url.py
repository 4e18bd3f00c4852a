"""What an address of a cluster may say."""

import pytest

from logyard.errors import BadConfig
from logyard.store.cluster.url import Address, ClusterUrl, parse


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("clickhouse://h", ClusterUrl(hosts=(Address("h", 8123),)), id="one host"),
        pytest.param("clickhouses://h", ClusterUrl(hosts=(Address("h", 8443),), secure=True), id="TLS"),
        pytest.param("clickhouse://[::1]:9/logs", ClusterUrl(hosts=(Address("::1", 9),), database="logs"), id="IPv6"),
        pytest.param(
            "clickhouse://me:a%2Fb%40c@h1:1,h2:2/db?cluster=yard&shard_by=time",
            ClusterUrl(
                hosts=(Address("h1", 1), Address("h2", 2)),
                database="db",
                user="me",
                password="a/b@c",
                cluster="yard",
                shard_by="time",
            ),
            id="everything",
        ),
    ],
)
def test_is_read(text: str, want: ClusterUrl) -> None:
    assert parse(text) == want


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("mysql://h", "is none of clickhouse, clickhouses", id="another scheme"),
        pytest.param("./data", "is none of clickhouse, clickhouses", id="a path"),
        pytest.param("clickhouse://", "is none of", id="nothing"),
        pytest.param("clickhouse://h:99999/", "is not HOST:PORT", id="no such port"),
        pytest.param("clickhouse://h1,h2/db", "names several hosts and no cluster", id="hosts without a cluster"),
        pytest.param("clickhouse://h/a-b", "no name of a database", id="database that must be quoted"),
        pytest.param("clickhouse://h/a?cluster=x'y", "no name of a cluster", id="cluster with a quote"),
        pytest.param("clickhouse://h/a?shard_by=host", "is none of segment, service, time", id="another way to spread"),
        pytest.param("clickhouse://h/a?patience=0", "no number of seconds above 0", id="no patience"),
        pytest.param("clickhouse://h/a?patience=inf", "no number of seconds above 0", id="endless patience"),
        pytest.param("clickhouse://h/a?claster=x", "knows no claster", id="misspelt option"),
    ],
)
def test_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadConfig, match=reason) as caught:
        parse(text)
    assert caught.value.path == "store"


def test_the_password_is_in_no_message() -> None:
    assert "hunter2" not in repr(parse("clickhouse://me:hunter2@h/db"))
    with pytest.raises(BadConfig) as caught:
        parse("clickhouse://me:hunter2@h:x/db")
    assert "hunter2" not in str(caught.value)
