"""``logyard agent``, without the command line: a driver, a server, and the signal that ends them."""

import asyncio
import signal
from collections.abc import Callable
from typing import cast

from logyard import registry
from logyard.agent.driver import Driver
from logyard.agent.server import serving
from logyard.clock import SystemClock
from logyard.config import AgentConfig

__all__ = ["driver_of", "run"]


def run(config: AgentConfig, announce: Callable[[str, str], None]) -> None:
    """Serve until SIGINT or SIGTERM. ``announce`` gets the address and the driver's name once calls are answered."""
    asyncio.run(_serve(config, announce))


def driver_of(config: AgentConfig) -> Driver:
    """The driver that the configuration names. Raises ``BadConfig``."""
    settings = {**config.settings, "type": config.driver}
    return cast("Driver", registry.build("drivers", settings, path="agent.settings"))


async def _serve(config: AgentConfig, announce: Callable[[str, str], None]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    driver = driver_of(config)
    async with serving(config, driver, SystemClock()) as address:
        announce(address, driver.name)
        await ended.wait()
