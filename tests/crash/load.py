"""Clients that write to a server which may die at any moment, and the book of what they were promised.

Every request is a *batch* with a name of its own; every record carries the name and its number in the batch,
so the store itself can be asked what arrived: once, twice, or not at all.
"""

import asyncio
import random
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

import httpx
import msgspec

BIG_ROWS: Final = 7_000
"""About 2 MB, and above the size from which the engine itself reads the log's segments."""

_DAYS: Final = ("2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
_PADDING: Final = "the quick brown fox jumps over the lazy dog and comes back for the next fence, " * 2
_LEVELS: Final = ("info", "WARN", "error", "debug")
_REPEATED: Final = 5
_PACE: Final = 0.1
_LATER: Final = frozenset({429, 503, 507})


def lines(name: str, rows: int) -> Iterator[str]:
    """The records of a batch as JSON lines: several days, levels, services."""
    for row in range(rows):
        day, level = _DAYS[row % len(_DAYS)], _LEVELS[row % len(_LEVELS)]
        time = f"{day}T{row // 3600 % 24:02}:{row // 60 % 60:02}:{row % 60:02}.5Z"
        yield (
            f'{{"timestamp":"{time}","level":"{level}","service":"shop-{row % 7}","message":"{_PADDING}",'
            f'"batch":"{name}","row":{row},"http":{{"status":{200 + row % 5},"path":"/items/{row}"}}}}'
        )


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One POST, so that it can be sent again as it was."""

    name: str
    path: str
    body: bytes
    rows: int
    key: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        kind = "application/x-ndjson" if self.path == "/ingest" else "application/json"
        key = {"Idempotency-Key": self.key} if self.key else {}
        return {"Content-Type": kind} | key


class Book:
    """What was sent, what was acknowledged, what stays open."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        """Records of every batch ever sent."""
        self.acknowledged: dict[str, str] = {}
        """The first log id that a batch got."""
        self.unanswered: dict[str, Request] = {}
        """Keyed requests whose answer never came: to be sent again."""
        self.answered: deque[Request] = deque(maxlen=_REPEATED)
        """Some keyed requests that were answered: sending them again must change nothing."""
        self.wrong: list[str] = []
        """Answers that no client should ever get."""

    def sending(self, request: Request) -> None:
        """Before the first byte goes out."""
        self.rows[request.name] = request.rows
        if request.key:
            self.unanswered[request.name] = request

    def answer(self, request: Request, answer: httpx.Response) -> None:
        """An answer arrived whole."""
        if answer.status_code in _LATER and "retry-after" in answer.headers:
            return
        if answer.status_code not in {200, 201}:
            self.wrong.append(f"{request.name}: {answer.status_code} {answer.text[:300]}")
            return
        log_id = str(answer.json()["log_id"])
        first = self.acknowledged.setdefault(request.name, log_id)
        if first != log_id:
            self.wrong.append(f"{request.name}: answered as {first}, and on repetition as {log_id}")
        if self.unanswered.pop(request.name, None) is not None and len(request.body) < 1 << 18:
            self.answered.append(request)


class Clients:
    """All clients of one life of the server."""

    def __init__(self, book: Book, seed: int, life: int) -> None:
        self._book = book
        self._random = random.Random(f"{seed}/{life}")
        self._life = life
        self._count = 0
        self.big_stored = asyncio.Event()
        """Set with the first acknowledgement of a big batch."""

    async def run(self, url: str) -> None:
        """Until the server is gone."""
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            loops = (self._again, self._lines, self._lines, self._singles, self._singles, self._big, self._asking)
            await asyncio.gather(*(loop(client) for loop in loops))

    async def repeat(self, url: str) -> None:
        """Only what is open, until all of it is answered, and some of what is not."""
        async with httpx.AsyncClient(base_url=url, timeout=120) as client, asyncio.timeout(300):
            await self._again(client)
            while self._book.unanswered:  # the server was busy with something else
                await asyncio.sleep(_PACE)
                await self._again(client)

    async def _again(self, client: httpx.AsyncClient) -> None:
        """What nobody answered in the last life, and some of what was answered."""
        for request in [*self._book.unanswered.values(), *self._book.answered]:
            if not await self._send(client, request):
                return

    async def _lines(self, client: httpx.AsyncClient) -> None:
        while await self._send(client, self._request("/ingest", self._random.randint(1, 500))):
            pass

    async def _singles(self, client: httpx.AsyncClient) -> None:
        while await self._send(client, self._request("/logs", 1)):
            pass

    async def _big(self, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            if not await self._send(client, self._request("/ingest", BIG_ROWS)):
                return
            self.big_stored.set()

    async def _asking(self, client: httpx.AsyncClient) -> None:
        """Queries make the drain begin at once."""
        try:
            while True:
                answer = await client.get("/api/v1/query", params={"query": "fox", "limit": "1"})
                if answer.status_code not in {200, *_LATER}:
                    self._book.wrong.append(f"query: {answer.status_code} {answer.text[:300]}")
                await asyncio.sleep(self._random.uniform(0.0, 0.1))  # a pace, not a condition
        except httpx.TransportError:
            return

    async def _send(self, client: httpx.AsyncClient, request: Request) -> bool:
        """False when the server is gone."""
        if request.name not in self._book.rows:
            self._book.sending(request)
        try:
            answer = await client.post(request.path, content=request.body, headers=request.headers)
        except httpx.TransportError:
            return False
        self._book.answer(request, answer)
        return True

    def _request(self, path: str, rows: int) -> Request:
        self._count += 1
        name = f"life{self._life}-{self._count}"
        key = f"key-{name}" if self._random.random() < 0.5 else ""
        return Request(name=name, path=path, body="\n".join(lines(name, rows)).encode(), rows=rows, key=key)
