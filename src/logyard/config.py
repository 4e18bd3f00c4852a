"""The configuration: one tree of frozen structs, from a file, the environment and the command line.

Later wins: defaults, then the file (TOML, or YAML by its ending), then the environment, then flags. A setting
``retention.age_days`` is ``LOGYARD__RETENTION__AGE_DAYS`` in the environment. The names that the central logging
service has always had are taken too: ``PORT``, ``SERVICE_NAME``, ``REDIS_URL``, ``LOG_DIR``. A setting whose name
ends in ``_file`` beside a secret reads the secret from that file. Only this module reads the environment.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import msgspec

from logyard.errors import BadConfig, MissingPart

__all__ = [
    "AgentConfig",
    "CollectConfig",
    "Config",
    "HttpConfig",
    "IngestConfig",
    "QueryConfig",
    "RetentionConfig",
    "S3Config",
    "TailConfig",
    "TiersConfig",
    "WalConfig",
    "from_text",
    "inherited",
    "load",
    "settings",
    "variable",
]

Settings = dict[str, object]
Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
_PREFIX = "LOGYARD__"
_LEGACY = {"SERVICE_NAME": "service_name", "REDIS_URL": "redis_url", "LOG_DIR": "data"}


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the tree; an unknown setting is an error, not a surprise."""


class HttpConfig(_Section, frozen=True, kw_only=True):
    """The web server."""

    body_bytes: Positive = 64 << 20
    """Longest request body, after decompression. Beyond it: 413."""
    cors_origins: tuple[str, ...] = ("*",)
    """Origins that browsers may call from."""
    drain_seconds: Seconds = 10.0
    """How long a stop waits for what is under way."""


class IngestConfig(_Section, frozen=True, kw_only=True):
    """What comes in."""

    line_bytes: Positive = 1 << 20
    """Longest single record. Longer ones are refused by index."""
    fields: Positive = 1000
    """Most fields of one record, counted at every depth."""
    depth: Positive = 64
    """Deepest nesting of one record."""
    ids: str = "snowflake"
    """``snowflake``, ``uuid`` or ``sequential``."""
    machine: Annotated[int, msgspec.Meta(ge=0, le=1023)] = 1
    """This process's number in snowflake ids; must differ between processes that write to one store."""


class WalConfig(_Section, frozen=True, kw_only=True):
    """The write-ahead log."""

    segment_bytes: Positive = 24 << 20
    segment_rows: Positive = 100_000
    segment_seconds: Seconds = 1.0
    max_bytes: Positive = 4 << 30
    """Backlog beyond which ingest answers 429."""
    min_free_bytes: Positive = 64 << 20
    """Free disk space below which ingest answers 507."""


class RetentionConfig(_Section, frozen=True, kw_only=True):
    """How long records stay. 0 switches a rule off. Whole days go, oldest first."""

    age_days: float = 0
    max_bytes: int = 0
    max_disk_percent: float = 0
    check_seconds: Seconds = 60.0


class QueryConfig(_Section, frozen=True, kw_only=True):
    """What one query may cost."""

    timeout: Seconds = 30.0
    """Seconds."""
    max_rows_read: int = 0
    """0: no limit."""
    max_bytes_read: int = 0
    max_memory: Positive = 600 << 20
    concurrency: Positive = 8
    """Queries that run at once; more wait, then get 429."""
    settle_seconds: Seconds = 10.0
    """How long a query waits for what was acknowledged before it began to become findable."""


class S3Config(_Section, frozen=True, kw_only=True):
    """The object storage that ``s3://bucket/prefix`` means: in backups, exports and tiers."""

    endpoint: str = ""
    """``https://HOST`` or ``http://HOST:PORT``; buckets are part of the path."""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    secret_key_file: str = ""
    """File that holds the secret key, instead of ``secret_key``."""

    def secret(self) -> str:
        """The secret key, wherever it is. Raises ``BadConfig`` when its file cannot be read."""
        if not self.secret_key_file:
            return self.secret_key
        try:
            return Path(self.secret_key_file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"cannot read {self.secret_key_file}: {error}", path="s3.secret_key_file") from error


class TiersConfig(_Section, frozen=True, kw_only=True):
    """Where older records lie. Whole days move, by the time of their newest record; queries find them as before."""

    warm: str = ""
    """A directory, for a slower disk; or ``s3://bucket/prefix``."""
    warm_days: float = 7
    """Age from which on records lie there."""
    cold: str = ""
    """``s3://bucket/prefix``, or a directory."""
    cold_days: float = 30
    cache_bytes: Positive = 1 << 30
    """Local disk that reading from object storage may use, for each tier there."""
    check_seconds: Seconds = 300.0


class TailConfig(_Section, frozen=True, kw_only=True):
    """Live tails."""

    buffer_rows: Positive = 10_000
    """Rows held for one slow subscriber; beyond it the oldest go, and it is told how many."""
    max_subscribers: Positive = 1000


class AgentConfig(_Section, frozen=True, kw_only=True):
    """The container agent, ``logyard agent``."""

    listen: str = "127.0.0.1:50051"
    """``HOST:PORT``, or ``unix:PATH``; port 0 takes a free one."""
    driver: str = "docker"
    """``docker``, ``podman`` or ``process``; one of the components under ``drivers``."""
    settings: dict[str, object] = {}
    """Of the driver: ``[agent.settings] url = "unix:///var/run/docker.sock"``."""
    tls_cert: str = ""
    """File with the server's certificate, and those between it and its root; PEM."""
    tls_key: str = ""
    """File with its key; PEM."""
    tls_client_ca: str = ""
    """File with the roots of clients' certificates: only clients that have one may call (mTLS)."""
    token_file: str = ""
    """File with the bearer token that callers must bring."""
    insecure: bool = False
    """Listen beyond this machine without TLS or without a token or client certificates: whoever can connect then owns
    the machine.
    """
    grace_seconds: Seconds = 5.0
    """How long a stop waits for calls that are under way."""


class CollectConfig(_Section, frozen=True, kw_only=True):
    """Collecting: receivers that run by themselves, and what is shipped from here."""

    listen: str = ""
    """``HOST:PORT`` for the ``/metrics``, ``/healthz`` and ``/stats`` of a ``logyard ship``; "": none."""
    stats: str = ""
    """File that gets the statistics as JSON; "": none."""
    stats_seconds: Seconds = 30.0
    """How often."""
    processing_stats: str = ""
    """File that gets the pipeline's statistics as JSON: total, rate of the last minute, counts by level; "": none."""
    processing_stats_seconds: Seconds = 60.0
    """How often."""
    drain_seconds: Seconds = 30.0
    """How long a stop of ``logyard ship`` goes on sending what it has."""
    parallel: Positive = 2
    """Batches that each output has under way at once; batches of one source never are."""


class Config(_Section, frozen=True, kw_only=True):
    """Everything."""

    data: Path = Path("data")
    """Directory of the write-ahead log and of the embedded store."""
    store: str = ""
    """Where records are stored: "" is the engine inside of this process, in ``data``;
    ``clickhouse://user:secret@h1:8123,h2:8123/db?cluster=yard`` a cluster (``clickhouses://`` with TLS), whose shards
    take ``shard_by=segment``, ``service`` or ``time``."""
    listen: str = "127.0.0.1:8005"
    """``HOST:PORT`` of the web server; port 0 takes a free one."""
    service_name: str = "logging-service"
    """Name in ``GET /health``."""
    redis_url: str = ""
    """Publish every accepted entry on ``logs:all`` and ``logs:<service>`` there."""
    buffer: str = ""
    """Where accepted records are durable: this machine's disk by default. ``nats://HOST:PORT,.../STREAM?replicas=3``
    keeps them on a quorum of JetStream servers, so that they survive the loss of this machine;
    ``kafka://HOST:PORT,.../TOPIC`` does so in Kafka. See docs/formats/buffers.md.
    """
    bus: str = ""
    """Where nodes tell each other what they accept, so that a tail on one shows the records of all:
    ``nats://HOST:PORT,...`` or ``redis://HOST:PORT``.
    """
    node: str = ""
    """This process's name among others that share a buffer's servers or a bus; ``node-<ingest.machine>`` by default.
    A successor of the same name takes over what was left in the buffer.
    """
    http: HttpConfig = HttpConfig()
    ingest: IngestConfig = IngestConfig()
    wal: WalConfig = WalConfig()
    retention: RetentionConfig = RetentionConfig()
    s3: S3Config = S3Config()
    tiers: TiersConfig = TiersConfig()
    query: QueryConfig = QueryConfig()
    tail: TailConfig = TailConfig()
    agent: AgentConfig = AgentConfig()
    collect: CollectConfig = CollectConfig()
    receivers: tuple[dict[str, object], ...] = ()
    """What is collected: ``[[receivers]] type = "files" include = [...]``. HTTP receivers are always there; one that is
    named here gets these settings."""
    outputs: tuple[dict[str, object], ...] = ()
    """Where records are shipped to: ``[[outputs]] type = "logyard" url = ...``, each with its own place in the log;
    ``name`` tells two of one type apart. Every output takes ``where`` (LogsQL filter: only records that match),
    ``batch_rows`` and ``batch_bytes`` (what goes out together, at most; 0: no limit), and ``max_backlog_bytes`` (of
    more that waits for it, the oldest are given up; 0: none, and what waits counts against ``wal.max_bytes``)."""
    pipeline: tuple[dict[str, object], ...] = ()
    """Steps every record passes, in order: ``[[pipeline]] type = "redact" ...``. Each may have ``when``, a LogsQL
    filter of the records that it sees, and a ``name``. ``[[pipeline]] include = "sidecar"`` stands for the steps of a
    shipped pipeline, or of a file.
    """
    tests: tuple[dict[str, object], ...] = ()
    """Tests of the pipeline, for ``logyard pipeline test``: ``[[tests]] name = ... input = [...] output = [...]``."""


def load(path: Path | None = None, flags: Mapping[str, object] | None = None) -> Config:
    """The effective configuration. Raises ``BadConfig`` that names the setting and where it came from."""
    tree = settings(path, flags)
    try:
        return msgspec.convert(tree, Config, strict=False, dec_hook=from_text)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        raise BadConfig(text, path=place.strip("`$.") or str(path or "configuration")) from error


def settings(path: Path | None = None, flags: Mapping[str, object] | None = None) -> Settings:
    """The same as a tree of plain values that nobody has checked yet, without the defaults."""
    tree = _read(path) if path is not None else {}
    for name, value in _environment(os.environ).items():
        _put(tree, name, value)
    for name, given in (flags or {}).items():
        _put(tree, name, given)
    return tree


def variable(name: str) -> str:
    """A variable of the environment that is no setting (``NO_COLOR``), "" where there is none."""
    return os.environ.get(name, "")


def inherited() -> dict[str, str]:
    """The environment as it is, for a process that we start and that gets more."""
    return dict(os.environ)


def from_text(kind: type, value: object) -> object:
    """What msgspec asks for types that it does not know (it checks the answer): paths are written as text."""
    return Path(value) if kind is Path and isinstance(value, str) else value


def _read(path: Path) -> Settings:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadConfig(f"cannot read {path}: {error.strerror}", path="--config") from error
    try:
        if path.suffix in {".yaml", ".yml"}:
            return cast("Settings", msgspec.yaml.decode(text, type=dict) or {})
        return tomllib.loads(text.decode())
    except ImportError as error:
        raise MissingPart("a YAML configuration", "server") from error
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: {error}", path="--config") from error


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    found = {_LEGACY[name]: value for name, value in variables.items() if name in _LEGACY and value}
    if variables.get("PORT"):
        found["listen"] = f"127.0.0.1:{variables['PORT']}"
    for name, value in variables.items():
        if name.startswith(_PREFIX):
            found[name.removeprefix(_PREFIX).lower().replace("__", ".")] = value
    return found


def _put(tree: Settings, name: str, value: object) -> None:
    *sections, last = name.split(".")
    for section in sections:
        tree = cast("Settings", tree.setdefault(section, {}))
        if not isinstance(tree, dict):
            raise BadConfig("is a value, not a section", path=section)
    tree[last] = value
