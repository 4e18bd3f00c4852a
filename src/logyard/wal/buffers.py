"""The buffer that the configuration names: this machine's disk, or a journal on a quorum.

::

    ""                                                              this machine's disk
    nats://HOST:PORT,HOST:PORT,HOST:PORT/STREAM?replicas=3          a JetStream stream
    kafka://HOST:PORT,HOST:PORT,HOST:PORT/TOPIC?replicas=3          a Kafka topic
"""

import re
from typing import Final

import msgspec

from logyard.clock import Clock
from logyard.config import Config
from logyard.errors import BadConfig, MissingPart
from logyard.ports import Buffer
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings
from logyard.wal.remote.journal import Journal
from logyard.wal.remote.opening import open_remote

__all__ = ["node_name", "open_buffer"]

_SEGMENTS: Final = 4
"""A journal that is full must hold sealed segments: storing those is what makes room again."""
_NODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def open_buffer(config: Config, clock: Clock) -> Buffer:
    """Open it, recover what is there. Blocking.

    Raises ``BadConfig``, ``MissingPart``, and ``StoreFailed``: it cannot be had, or another process has it.
    """
    settings = WalSettings(**msgspec.structs.asdict(config.wal))
    if not config.buffer:
        return Wal.open(config.data / "wal", settings=settings, disk=RealDisk(), clock=clock)
    journal = _journal(config.buffer, node_name(config))
    if 0 <= journal.capacity < _SEGMENTS * settings.segment_bytes:
        journal.close()
        raise BadConfig(
            f"max_bytes={journal.capacity} has no room for {_SEGMENTS} segments of wal.segment_bytes", path="buffer"
        )
    return open_remote(journal, config.data / "spool", settings=settings, disk=RealDisk(), clock=clock)


def node_name(config: Config) -> str:
    """What this process is called where several write. Raises ``BadConfig``."""
    name = config.node or f"node-{config.ingest.machine}"
    if _NODE.fullmatch(name) is None:
        raise BadConfig(f"{name!r} is no name of a node: letters, digits, _ and - are", path="node")
    return name


def _journal(url: str, node: str) -> Journal:
    scheme = url.partition("://")[0]
    if scheme == "nats":
        try:
            from logyard.wal.remote.jetstream import JetStream  # noqa: PLC0415 - an optional part
        except ImportError as error:
            raise MissingPart("buffer = nats://...", "nats") from error
        return JetStream(url, node)
    if scheme == "kafka":
        try:
            from logyard.wal.remote.kafka import Kafka  # noqa: PLC0415 - an optional part
        except ImportError as error:
            raise MissingPart("buffer = kafka://...", "kafka") from error
        return Kafka(url, node)
    raise BadConfig(f"{scheme}:// is no buffer; there are: nats://, kafka://", path="buffer")
