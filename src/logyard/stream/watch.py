"""A query as a watch: the same text, dialect and tenant are one watch, asked once for each load."""

from collections.abc import Callable
from typing import Final

from logyard.clock import Clock
from logyard.language.view import View
from logyard.model.dialect import Dialect
from logyard.model.schema import FRAME
from logyard.query.parse import Query
from logyard.stream.asked import fields, read
from logyard.stream.chunk import NO_ROWS, Chunk, Load
from logyard.stream.piped import rendered
from logyard.stream.rows import rows
from logyard.types import LogId, Tenant

__all__ = ["QueryWatch"]

_TIME: Final = "_time"


class QueryWatch:
    """The records that a query's filter takes, as its pipes make them."""

    def __init__(
        self, query: str, *, dialect: Dialect, tenant: Tenant, clock: Clock, show_id: Callable[[LogId], str]
    ) -> None:
        """``show_id`` is ``LogIds.text``. ``BadQuery`` for a query that is none or cannot be tailed."""
        self.key = (query, dialect, tenant)
        self.tenant = tenant
        self._query = query
        self._dialect = dialect
        self._clock = clock
        self._show_id = show_id
        self._asked = self._read()
        self._moving = _TIME in fields(self._asked)
        # What is wrong with the filter shows here, before anybody subscribes.
        self._asked.filter.match(View.of_frame(FRAME.to_frame(), dialect=dialect))

    def answer(self, load: Load) -> Chunk:
        """The matching rows, rendered."""
        # "_time:5m" means the five minutes before now, and now moves.
        query = self._read() if self._moving else self._asked
        found = load.matching(query.filter.match(View.of_frame(load.frame, dialect=self._dialect)))
        if not found.frame.height:
            return NO_ROWS
        return rendered(query.pipes, found.ids(), list(rows(found, self._dialect, self._show_id)))

    def _read(self) -> Query:
        return read(self._query, self._clock.now(), self._dialect)
