"""The bus that the configuration names.

::

    nats://HOST:PORT,HOST:PORT[/NAME]     the subject logyard.bus.NAME (NAME is logyard by default)
    redis://HOST:PORT[/DATABASE]          the channel logyard:bus (of all databases)
"""

from typing import Final
from urllib.parse import urlsplit

from logyard.errors import BadConfig, MissingPart
from logyard.stream.bus.link import Link
from logyard.wal.remote.address import Address

__all__ = ["link_of"]

_CHANNEL: Final = "logyard:bus"


def link_of(url: str) -> Link:
    """Connects to nothing yet. Raises ``BadConfig``, ``MissingPart``."""
    scheme = url.partition("://")[0]
    if scheme == "nats":
        return _nats(url)
    if scheme in {"redis", "rediss"}:
        return _redis(url)
    raise BadConfig(f"{scheme}:// is no bus; there are: nats://, redis://, rediss://", path="bus")


def _nats(url: str) -> Link:
    try:
        from logyard.stream.bus.nats import NatsLink  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingPart("bus = nats://...", "nats") from error
    named = url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/logyard"
    address = Address.parse(named, options={}, setting="bus")
    user = f"{address.user}@" if address.user else ""
    return NatsLink([f"nats://{user}{host}" for host in address.hosts], f"logyard.bus.{address.name}")


def _redis(url: str) -> Link:
    try:
        from logyard.stream.bus.redis import RedisLink  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingPart("bus = redis://...", "redis") from error
    return RedisLink(url, _CHANNEL)
