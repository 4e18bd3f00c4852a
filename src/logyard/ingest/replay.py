"""Segments that the store would not take, brought to it again when somebody asks (``ingest/dead_letter.py``)."""

import asyncio
import logging
from typing import Final

from logyard.errors import BadInput, Corrupt, LogyardError
from logyard.ingest.dead_letter import DeadLetters, Letter
from logyard.ports import Parcel, Store
from logyard.telemetry import Event, Telemetry

__all__ = ["SegmentReplayed", "replay"]

_LOOK_SECONDS: Final = 2.0
_log = logging.getLogger("logyard")


class SegmentReplayed(Event, frozen=True, kw_only=True):
    """Records of a dead letter that the store has taken after all."""

    count: int


async def replay(dead: DeadLetters, store: Store, telemetry: Telemetry) -> None:
    """Until cancelled. A segment is stored once, however often it is tried: its token is the one it had."""
    while True:
        for letter in await asyncio.to_thread(dead.again):
            try:
                await asyncio.to_thread(_bring, letter, store, telemetry)
            except (LogyardError, OSError) as error:
                _log.warning("dead letter %s is tried again later: %s", letter.id, error)
        await asyncio.sleep(_LOOK_SECONDS)


def _bring(letter: Letter, store: Store, telemetry: Telemetry) -> None:
    """Raises ``NotNow``, ``StoreFailed`` or ``OSError`` when it should be tried again."""
    try:
        batches = letter.batches()
        store.insert(Parcel(token=letter.token, path=letter.path, batches=batches))
    except (BadInput, Corrupt) as error:
        letter.give_back(str(error))
        return
    letter.remove()
    telemetry.emit(SegmentReplayed(count=sum(batch.rows for batch in batches)))
