"""What the live side tells others: the Redis channels, and the bus between nodes."""

from contextlib import AsyncExitStack

from logyard.clock import Clock
from logyard.config import Config
from logyard.errors import BadConfig
from logyard.stream.bus.bus import Bus, Itself
from logyard.stream.bus.opening import link_of
from logyard.stream.hub import Hub
from logyard.stream.records import RecordsWatch
from logyard.stream.redis import RedisPublisher
from logyard.telemetry import Telemetry
from logyard.wal.buffers import node_name
from logyard.wiring.background import background
from logyard.wiring.engine import Engine

__all__ = ["open_bus", "open_redis"]


async def open_redis(
    config: Config, hub: Hub, *, engine: Engine, telemetry: Telemetry, stack: AsyncExitStack
) -> RedisPublisher | None:
    """The publisher of accepted entries, started; None where no Redis is named."""
    if not config.redis_url:
        return None
    publisher = RedisPublisher(hub, RecordsWatch(engine.ids.text), url=config.redis_url, telemetry=telemetry)
    await stack.enter_async_context(background(publisher.run(), "redis"))
    stack.push_async_callback(publisher.finish, 2)
    return publisher


async def open_bus(
    config: Config, hub: Hub, *, engine: Engine, parts: tuple[Clock, Telemetry], stack: AsyncExitStack
) -> Bus | None:
    """The bus, started; None where none is named."""
    if not config.bus:
        return None
    if config.ingest.ids == "sequential":
        raise BadConfig("nodes that share a bus cannot count their ids by one", path="ingest.ids")
    clock, telemetry = parts
    itself = Itself(
        node=node_name(config),
        machine=config.ingest.machine,
        acknowledged=engine.wal.position,
        stored=engine.drains.passed,
        lag=lambda: max(engine.wal.stats().lag.values(), default=0.0),
    )
    bus = Bus(link_of(config.bus), hub, itself, telemetry=telemetry, clock=clock)
    await stack.enter_async_context(background(bus.run(), "bus"))
    return bus
