"""The client for programs without an event loop.

with Client("http://127.0.0.1:8005") as logs:
    logs.ingest([{"service": "shop", "level": "ERROR", "message": "no stock"}])
    for row in logs.query("level:ERROR", start="1h"):
        print(row["message"])
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Self, cast

import httpx

from logyard.client import asking
from logyard.client.answers import Facet, Hits, Ingested, Page, Replicated, Row, Stored, Value
from logyard.client.asking import Ask, Records, Span, Time, sent
from logyard.client.connection import SILENCE_SECONDS, connection_errors, headers_of, timeouts
from logyard.client.patience import Patience, persist
from logyard.client.refusal import refusal_of
from logyard.client.rows import Rows
from logyard.client.tailing import Missed, Tailing
from logyard.errors import NotNow, StoreFailed

__all__ = ["Client"]


class Client:
    """A Logyard server. Any thread, concurrently. Every method raises what ``errors.py`` has."""

    def __init__(
        self, url: str, *, api_key: str = "", timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Connects to nothing yet. ``timeout``: seconds for an answer to begin, and between its parts."""
        self.url = url.rstrip("/")
        with connection_errors(self.url):
            self._http = httpx.Client(
                base_url=self.url,
                headers=headers_of(api_key),
                timeout=timeouts(timeout),
                transport=transport,
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ingest(
        self, records: Records, *, service: str = "", key: str = "", patience: Patience | None = None
    ) -> Ingested:
        """Store mappings or a frame's rows; on return they would survive a crash and can be found.

        ``service``: of records that name none. ``key``: the same again, at any time, stores nothing twice; without one
        this call makes its own, and tries again under it until ``patience`` is over. Bad records are refused by index,
        the others are kept; ``BadInput`` when none is good.
        """
        found = Ingested()
        for ask in asking.ingests(records, key=key, service=service):
            body = persist(partial(self._ask, ask), patience or Patience())
            found += asking.decoded(body, Ingested)
        return found

    def query(self, text: str = "*", *, start: Time | None = None, end: Time | None = None, limit: int = 1000) -> Rows:
        """Records, or what the query's pipes make of them; of more than ``limit`` the newest."""
        return self._rows(asking.rows("/api/v1/query", text, Span(start, end), limit=limit))

    def sql(self, statement: str, *, limit: int = 1000) -> Rows:
        """The answer to a SELECT on the table ``logs``, read-only."""
        return self._rows(asking.rows("/api/v1/sql", statement, Span(), limit=limit))

    def tail(self, text: str = "*", *, history: int = 0, resume: str = "") -> Iterator[Row | Missed]:
        """Records as they come in, for ever, over the server's restarts, each once; ``Missed`` where some were lost.

        ``history``: so many stored ones first. ``resume``: go on behind the record with this id.
        """
        tailing = Tailing(text, history, resume)
        heard = False
        while True:
            try:
                answer = self._send(tailing.ask(), silence=SILENCE_SECONDS)
                heard = True
                yield from self._heard(answer, tailing)
            except (NotNow, StoreFailed):
                if not heard:
                    raise
            time.sleep(tailing.pause())

    def _heard(self, answer: httpx.Response, tailing: Tailing) -> Iterator[Row | Missed]:
        """What one connection brings, until it ends."""
        with closing(answer), connection_errors(self.url):
            for piece in answer.iter_bytes():
                yield from tailing.heard(piece)

    def hits(
        self,
        text: str = "*",
        *,
        start: Time | None = None,
        end: Time | None = None,
        step: str | None = None,
        fields: Sequence[str] = (),
    ) -> Sequence[Hits]:
        """How many records, by time (``step``: ``1m``) and by the values of ``fields``."""
        asked = asking.ranged(text, Span(start, end), step=step, field=fields or None)
        return cast("Sequence[Hits]", self._named("/api/v1/hits", asked, "hits"))

    def facets(
        self, text: str = "*", *, start: Time | None = None, end: Time | None = None, limit: int = 10
    ) -> Sequence[Facet]:
        """The most frequent values of each field."""
        asked = asking.ranged(text, Span(start, end), limit=limit)
        return cast("Sequence[Facet]", self._named("/api/v1/facets", asked, "facets"))

    def field_names(self, text: str = "*", *, start: Time | None = None, end: Time | None = None) -> Sequence[Value]:
        """Which fields records have."""
        return cast(
            "Sequence[Value]", self._named("/api/v1/field_names", asking.ranged(text, Span(start, end)), "values")
        )

    def field_values(
        self,
        field: str,
        text: str = "*",
        *,
        start: Time | None = None,
        end: Time | None = None,
        limit: int = 100,
    ) -> Sequence[Value]:
        """The most frequent values of one field."""
        asked = asking.ranged(text, Span(start, end), field=field, limit=limit)
        return cast("Sequence[Value]", self._named("/api/v1/field_values", asked, "values"))

    def get(self, log_id: str) -> Row:
        """One record as it was sent. Raises ``NotFound``."""
        return cast("Row", asking.named(self._ask(Ask(path=asking.field(log_id))), "log"))

    def context(self, log_id: str, *, before: int = 10, after: int = 10) -> list[Row]:
        """A record among its neighbours in the same stream, oldest first. Raises ``NotFound``."""
        asked: Mapping[str, str | int] = {"id": log_id, "before": before, "after": after}
        return cast("list[Row]", asking.named(self._ask(Ask(path="/api/v1/context", parameters=asked)), "logs"))

    def page(self, text: str = "*", *, limit: int = 100, offset: int = 0, until: str = "") -> Page:
        """A page of records as they were sent. ``text`` is a filter. ``until``: the ``newest`` of the first page, so
        that pages do not shift while records come in.
        """
        return asking.page(self._ask(asking.listing(text, limit=limit, offset=offset, until=until)))

    def replicate(self, body: bytes) -> Replicated:
        """Store records that were accepted elsewhere, with the ids they have there; ``receivers/http_replica.py`` says
        what ``body`` is. The same may be sent again.
        """
        return asking.decoded(self._ask(asking.replica(body)), Replicated)

    def ready(self) -> None:
        """Return when the server would take records now. Raises ``NotNow``."""
        self._ask(asking.READY)

    def stats(self) -> Stored:
        """What is stored."""
        return asking.decoded(self._ask(Ask(path="/api/v1/logs/stats")), Stored)

    def _named(self, path: str, parameters: Mapping[str, str | int | Sequence[str]], name: str) -> object:
        return asking.named(self._ask(Ask(path=path, parameters=parameters)), name)

    def _ask(self, ask: Ask) -> bytes:
        answer = self._send(ask)
        with closing(answer), connection_errors(self.url):
            return answer.read()

    def _rows(self, ask: Ask) -> Rows:
        return Rows(self._send(ask), self.url)

    def _send(self, ask: Ask, *, silence: float | None = None) -> httpx.Response:
        """An answer that is a success, its body still to come; any other is raised as the error that it stands for."""
        request = self._http.build_request(ask.method, ask.path, **sent(ask))
        if silence is not None:
            request.extensions["timeout"] = timeouts(silence).as_dict()
        with connection_errors(self.url):
            answer = self._http.send(request, stream=True)
            if answer.is_success:
                return answer
            answer.read()
        raise refusal_of(answer)
