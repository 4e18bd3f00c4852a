"""Waiting for a condition: a test never waits for a while and hopes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["until"]

_LOOK_AGAIN: Final = 0.02


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 120.0) -> None:
    """Return when the condition holds. ``TimeoutError`` when it does not in time."""
    async with asyncio.timeout(seconds):
        for _ in iter(int, 1):
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(_LOOK_AGAIN)
