"""The address of a cluster: ``clickhouse://user:secret@h1:8123,h2:8123/db?cluster=yard&shard_by=segment``.

``clickhouses://`` speaks TLS. Hosts are those of ClickHouse's HTTP interface, best all of them, in the order in which
the cluster's ``remote_servers`` name them; replicas that are not listed are expected on the first one's port. Without
``cluster`` it is a single server. ``patience=3``: seconds within which a server that is well answers a health check.
"""

import re
from typing import Final, Literal, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from logyard.errors import BadConfig

__all__ = ["Address", "ClusterUrl", "ShardBy", "parse"]

ShardBy = Literal["segment", "service", "time"]
"""``segment``: round robin, a segment of the log goes to one shard as it is. ``service``, ``time`` (five minutes):
every shard gets every segment and takes its rows out of it.
"""

_PORTS: Final = {"clickhouse": 8123, "clickhouses": 8443}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"\d{1,4}(?:\.\d+)?")
_HOST: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_LAST_PORT: Final = 65_535
_SETTING: Final = "store"


class Address(msgspec.Struct, frozen=True):
    """A host and a port of its HTTP interface."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class ClusterUrl(msgspec.Struct, frozen=True, kw_only=True):
    """What the address says."""

    hosts: tuple[Address, ...]
    database: str = "default"
    user: str = "default"
    password: str = ""
    cluster: str = ""
    shard_by: ShardBy = "segment"
    patience: float = 3.0
    secure: bool = False

    def __repr__(self) -> str:
        """Without the password: it must not get into a traceback."""
        return f"<ClusterUrl {','.join(map(str, self.hosts))}/{self.database} cluster={self.cluster!r}>"

    @property
    def suffix(self) -> str:
        """Of the names of the tables that hold records: beside them are the Distributed ones, without it."""
        return "_local" if self.cluster else ""


def parse(text: str) -> ClusterUrl:
    """Raises ``BadConfig``, which never holds the password."""
    scheme, _, rest = text.partition("://")
    if scheme not in _PORTS or not rest:
        raise BadConfig(f"{scheme!r} is none of {', '.join(_PORTS)}: give clickhouse://HOST:PORT/DB", path=_SETTING)
    parts = urlsplit(f"//{rest}")
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    made = ClusterUrl(
        hosts=tuple(_address(host, _PORTS[scheme]) for host in hosts.split(",")),
        database=_name(unquote(parts.path.strip("/")) or "default", "database"),
        user=unquote(user) or "default",
        password=unquote(password),
        cluster=_name(options.pop("cluster", ""), "cluster"),
        shard_by=_shard_by(options.pop("shard_by", "segment")),
        patience=_seconds(options.pop("patience", "3")),
        secure=scheme == "clickhouses",
    )
    if options:
        raise BadConfig(f"knows no {', '.join(sorted(options))}; it knows cluster, patience, shard_by", path=_SETTING)
    if len(made.hosts) > 1 and not made.cluster:
        raise BadConfig("names several hosts and no cluster: add ?cluster=NAME (system.clusters)", path=_SETTING)
    return made


def _address(text: str, port: int) -> Address:
    found = _HOST.fullmatch(text)
    if found is None or not 0 < int(found["port"] or port) <= _LAST_PORT:
        raise BadConfig(f"{text!r} is not HOST:PORT", path=_SETTING)
    return Address(found["host"].strip("[]"), int(found["port"] or port))


def _name(text: str, what: str) -> str:
    if text and _NAME.fullmatch(text) is None:
        raise BadConfig(f"{text!r} is no name of a {what}: letters, digits and _", path=_SETTING)
    return text


def _seconds(text: str) -> float:
    if _NUMBER.fullmatch(text) is None or not float(text):
        raise BadConfig(f"patience={text!r} is no number of seconds above 0", path=_SETTING)
    return float(text)


def _shard_by(text: str) -> ShardBy:
    if text not in get_args(ShardBy):
        raise BadConfig(f"shard_by={text!r} is none of {', '.join(get_args(ShardBy))}", path=_SETTING)
    return cast("ShardBy", text)
