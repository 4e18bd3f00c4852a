"""Trying again: what the server cannot take now may be taken later."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from logyard.errors import NotNow

__all__ = ["Patience", "persist", "persist_async"]

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 15.0

Answer = TypeVar("Answer")


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to go on trying, and how to wait."""

    seconds: float = 60.0
    """Give up when a whole try would end later than this."""
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random  # noqa: S311 - spreads tries, hides nothing
    """A number in [0, 1)."""


def persist(attempt: Callable[[], Answer], patience: Patience) -> Answer:
    """Call ``attempt`` until it raises no ``NotNow``: full-jitter backoff, and never sooner than the server
    asks for.
    """
    begun = patience.monotonic()
    ceiling = _FIRST_PAUSE
    while True:
        try:
            return attempt()
        except NotNow as error:
            wait = error.retry_after + patience.jitter() * ceiling
            if patience.monotonic() - begun + wait > patience.seconds:
                raise
        patience.pause(wait)
        ceiling = min(2 * ceiling, _LONGEST_PAUSE)


async def persist_async(attempt: Callable[[], Awaitable[Answer]], patience: Patience) -> Answer:
    """The same on an event loop; ``patience.pause`` is not used."""
    begun = patience.monotonic()
    ceiling = _FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except NotNow as error:
            wait = error.retry_after + patience.jitter() * ceiling
            if patience.monotonic() - begun + wait > patience.seconds:
                raise
        await asyncio.sleep(wait)
        ceiling = min(2 * ceiling, _LONGEST_PAUSE)
