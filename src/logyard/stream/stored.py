"""The stored rows of a tail, asked of the query side: filter by the engine, pipes in memory as on the live
stream.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from logyard.clock import Clock
from logyard.model.dialect import Dialect
from logyard.stream.asked import read
from logyard.stream.chunk import Chunk
from logyard.stream.history import TailRequest
from logyard.stream.piped import rendered
from logyard.stream.recent import Behind
from logyard.types import Json, LogId

__all__ = ["HIDDEN_ID", "Ask", "StoredRows"]

HIDDEN_ID = "_id"
"""Where a row of the Victoria dialect, which has no ids of ours, carries its id on the way to the tail."""

Ask = Callable[[str, TailRequest], AsyncIterator[list[dict[str, Json]]]]
"""The newest ``limit`` rows since ``start`` for a filter, newest first, in the request's dialect and
tenant, each with its id as text: as ``id``, or in the Victoria dialect as ``HIDDEN_ID``. Sees all that was
acknowledged before.
"""


class StoredRows:
    """``history.Stored`` on the query side's ``Search``."""

    def __init__(self, ask: Ask, *, parse_id: Callable[[str], LogId], clock: Clock) -> None:
        """``parse_id`` is ``LogIds.parse``."""
        self._ask = ask
        self._parse_id = parse_id
        self._clock = clock

    async def newest(self, request: TailRequest, behind: Behind | None) -> Chunk:
        """Oldest first. Raises what the query side raises."""
        asked = read(request.query, self._clock.now(), request.dialect)
        text = str(asked.filter)
        if behind is not None:
            name = "id" if request.dialect is Dialect.NATIVE else HIDDEN_ID
            text = f"{name}:>={behind.lowest} ({text})"
        found = [row async for piece in self._ask(text, request) for row in piece]
        found.reverse()
        ids = [self._id(row, request.dialect) for row in found]
        if behind is not None:
            found, ids = _only(behind, found, ids)
        return rendered(asked.pipes, ids, found)

    def _id(self, row: dict[str, Json], dialect: Dialect) -> LogId:
        if dialect is Dialect.NATIVE:
            return self._parse_id(str(row["id"]))
        return self._parse_id(str(row.pop(HIDDEN_ID)))


def _only(
    behind: Behind, rows: Sequence[dict[str, Json]], ids: Sequence[LogId]
) -> tuple[list[dict[str, Json]], list[LogId]]:
    """What the subscriber has not had, in the order in which it was given ids."""
    kept = sorted((key, place) for place, key in enumerate(ids) if key in behind)
    return [rows[place] for _, place in kept], [key for key, _ in kept]
