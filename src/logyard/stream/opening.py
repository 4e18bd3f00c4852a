"""Opens live tails: the query becomes a watch, the wish for stored rows a history."""

from logyard.clock import Clock
from logyard.model.ids import LogIds
from logyard.stream.history import MOST_ROWS, Stored, TailRequest
from logyard.stream.hub import Hub
from logyard.stream.tail import HEARTBEAT_SECONDS, History, Tail
from logyard.stream.watch import QueryWatch

__all__ = ["Tails"]


class Tails:
    """All that a live tail needs, in one hand."""

    def __init__(
        self,
        hub: Hub,
        stored: Stored,
        *,
        clock: Clock,
        ids: LogIds,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        """``heartbeat``: longest silence of a tail, in seconds."""
        self._hub = hub
        self._stored = stored
        self._clock = clock
        self._ids = ids
        self._heartbeat = heartbeat

    def open(self, request: TailRequest) -> Tail:
        """A tail that has subscribed already: use it as a context.

        ``BadQuery`` for a query that cannot be tailed, ``NotNow`` when no more tails are taken.
        """
        watch = QueryWatch(
            request.query,
            dialect=request.dialect,
            tenant=request.tenant,
            clock=self._clock,
            show_id=self._ids.text,
        )
        return Tail(self._hub, watch, self._history(request), heartbeat=self._heartbeat)

    def _history(self, request: TailRequest) -> History | None:
        if request.after is not None:
            behind = self._hub.behind(request.after)
            whole = TailRequest(query=request.query, dialect=request.dialect, tenant=request.tenant, limit=MOST_ROWS)
            return lambda: self._stored.newest(whole, behind)
        if not request.limit:
            return None
        return lambda: self._stored.newest(request, None)
