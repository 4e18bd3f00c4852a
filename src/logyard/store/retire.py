"""Applies the retention rules from time to time."""

import asyncio

from logyard.clock import Clock
from logyard.errors import LogyardError
from logyard.ports import Retention, Store
from logyard.telemetry import Event, Telemetry
from logyard.types import Nanoseconds

__all__ = ["PartitionsDropped", "RetentionFailed", "retire"]


class PartitionsDropped(Event, frozen=True, kw_only=True):
    """Days that went by the retention rules."""

    count: int


class RetentionFailed(Event, frozen=True, kw_only=True):
    """The rules could not be applied; they will be tried again."""

    severity = 40
    reason: str


async def retire(store: Store, rules: Retention, seconds: float, *, clock: Clock, telemetry: Telemetry) -> None:
    """Check every so many seconds until cancelled. Without rules, return at once."""
    if rules == Retention():
        return
    while True:
        try:
            gone = await asyncio.to_thread(store.retain, rules, Nanoseconds(clock.now()))
        except LogyardError as error:
            telemetry.emit(RetentionFailed(reason=type(error).__name__))
        else:
            if gone:
                telemetry.emit(PartitionsDropped(count=len(gone)))
        await asyncio.sleep(seconds)
