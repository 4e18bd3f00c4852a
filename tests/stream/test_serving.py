"""Live tails over a real web server: WebSocket, SSE and NDJSON; clients that stop reading; many clients."""

import asyncio
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from litestar import Litestar
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from logyard.clock import SystemClock
from logyard.model.ids import SequentialIds
from logyard.serve.http.listener import HttpServer, Listening
from logyard.serve.http.tail import routes
from logyard.stream.hub import Hub, Limits
from logyard.stream.opening import Tails
from logyard.testing.waiting import until
from tests.stream.parts import Shelf, framed, running


@dataclass
class Site:
    """A web server with nothing but tails, and what stands behind it."""

    hub: Hub
    tails: Tails
    shelf: Shelf
    port: int = 0
    clock: SystemClock = field(default_factory=SystemClock)
    ids: SequentialIds = field(default_factory=SequentialIds)

    def url(self, path: str, *, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def log(self, first: int, *texts: str) -> None:
        batch = framed(first, texts)
        self.shelf.commit(batch, texts)
        self.hub.publish(batch)

    def socket(self, query: str = "") -> connect:
        return connect(self.url(f"/api/v1/tail?{query}", scheme="ws"), proxy=None)

    async def subscribers(self, count: int) -> None:
        """Return when so many listen."""
        async with asyncio.timeout(60):
            while self.hub.subscribers != count:  # noqa: ASYNC110 - connections end in the server's own time
                await asyncio.sleep(0.005)


@asynccontextmanager
async def site(limits: Limits | None = None, *, stalled: float = 60, heartbeat: float = 15) -> AsyncIterator[Site]:
    async with running(limits) as hub:
        shelf = Shelf()
        clock, ids = SystemClock(), SequentialIds()
        place = Site(hub, Tails(hub, shelf, clock=clock, ids=ids, heartbeat=heartbeat), shelf)
        app = Litestar(routes(place, stalled=stalled), openapi_config=None)
        async with HttpServer(app, Listening(drain_seconds=1)) as server:
            place.port = server.port
            yield place
            hub.close()


async def rows(connection: ClientConnection, count: int) -> list[str]:
    """The messages of the next rows."""
    found: list[str] = []
    while len(found) < count:
        message = json.loads(await asyncio.wait_for(connection.recv(), 60))
        assert message["type"] == "rows"
        found += [row["message"] for row in message["rows"]]
    return found


async def test_a_websocket_gets_matching_rows() -> None:
    async with site() as place, place.socket("query=error") as connection:
        place.log(1, "an error", "all well", "error again")
        assert await rows(connection, 2) == ["an error", "error again"]


async def test_history_comes_first_and_nothing_twice() -> None:
    async with site() as place:
        place.log(1, "one", "two", "three")
        async with place.socket("limit=2") as connection:
            await until(lambda: bool(place.shelf.requests))
            place.log(4, "four")
            assert await rows(connection, 3) == ["two", "three", "four"]


async def test_start_is_passed_on() -> None:
    async with site() as place, place.socket("start=@1767225600&limit=7") as connection:
        place.log(1, "one")
        assert await rows(connection, 1) == ["one"]
        assert place.shelf.requests[0].start == 1_767_225_600_000_000_000
        assert place.shelf.requests[0].limit == 7


async def test_a_bad_query_is_explained_and_closed_with_1008() -> None:
    async with site() as place, place.socket("query=a%20or%20(") as connection:
        message = json.loads(await connection.recv())
        assert message["type"] == "error"
        assert message["detail"]
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 1008


async def test_a_stopping_server_closes_with_1001() -> None:
    async with site() as place, place.socket() as connection:
        await place.subscribers(1)
        place.log(1, "last words")
        await place.hub.settle()
        place.hub.close()
        assert await rows(connection, 1) == ["last words"]
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 1001


async def test_silence_is_broken_by_a_heartbeat() -> None:
    async with site(heartbeat=0.02) as place, place.socket() as connection:
        assert json.loads(await connection.recv()) == {"type": "heartbeat"}


async def test_a_client_that_leaves_is_forgotten() -> None:
    async with site() as place:
        async with place.socket():
            await place.subscribers(1)
        await place.subscribers(0)


@pytest.mark.parametrize("path", ["/api/v1/tail", "/select/logsql/tail?query=*"])
async def test_too_many_tails_get_429_over_http(path: str) -> None:
    async with site(Limits(max_subscribers=0)) as place, httpx.AsyncClient() as client:
        answer = await client.get(place.url(path))
        assert answer.status_code == 429


async def test_too_many_tails_get_429_before_the_upgrade() -> None:
    async with site(Limits(max_subscribers=0)) as place:
        with pytest.raises(InvalidStatus) as refusal:
            await place.socket()
        assert refusal.value.response.status_code == 429
        assert refusal.value.response.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/api/v1/tail?query=a%20or%20(", "application/problem+json", id="query"),
        pytest.param("/api/v1/tail?limit=x5", "application/problem+json", id="limit"),
        pytest.param("/api/v1/tail?format=xml", "application/problem+json", id="format"),
        pytest.param("/api/v1/tail?start=soon", "application/problem+json", id="start"),
        pytest.param("/select/logsql/tail", "text/plain; charset=utf-8", id="VictoriaLogs wants a query"),
    ],
)
async def test_bad_parameters_get_400(path: str, kind: str) -> None:
    async with site() as place, httpx.AsyncClient() as client:
        answer = await client.get(place.url(path))
        assert answer.status_code == 400
        assert answer.headers["content-type"] == kind


async def test_other_methods_get_405() -> None:
    async with site() as place, httpx.AsyncClient() as client:
        answer = await client.delete(place.url("/api/v1/tail"))
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET"


class Stream:
    """The lines of an HTTP stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines = response.aiter_lines()

    async def read(self, count: int) -> list[str]:
        """So many lines that are not empty."""
        found: list[str] = []
        while len(found) < count:
            line = await asyncio.wait_for(anext(self.lines), 60)
            found += [line] if line else []
        return found


@asynccontextmanager
async def streaming(place: Site, path: str, headers: dict[str, str] | None = None) -> AsyncIterator[Stream]:
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", place.url(path), headers=headers) as response,
    ):
        assert response.status_code == 200
        yield Stream(response)


async def test_sse_gives_an_event_a_row() -> None:
    async with site() as place, streaming(place, "/api/v1/tail?query=error") as stream:
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["x-accel-buffering"] == "no"
        place.log(7, "an error", "all well")
        retry, number, name, data = await stream.read(4)
        assert (retry, number, name) == ("retry: 1000", "id: 7", "event: log")
        assert json.loads(data.removeprefix("data: "))["message"] == "an error"


async def test_sse_goes_on_behind_the_last_event() -> None:
    """Batches were acknowledged out of the order of their ids: 20, 10, 30."""
    async with site() as place:
        for first in (20, 10, 30):
            place.log(first, f"{first}a", f"{first}b")
        async with streaming(place, "/api/v1/tail", {"Last-Event-ID": "21"}) as stream:
            place.log(40, "40a")
            lines = await stream.read(16)
            assert [line for line in lines if line.startswith("id: ")] == [
                "id: 10", "id: 11", "id: 30", "id: 31", "id: 40",
            ]  # fmt: skip


async def test_ndjson_gives_a_line_a_row_and_says_what_was_missed() -> None:
    path = "/api/v1/tail?format=ndjson"
    async with site(Limits(backlog_bytes=1)) as place, streaming(place, path) as stream:
        for first in (1, 2, 3):
            place.log(first, str(first))
        one, missed = await stream.read(2)
        assert json.loads(one)["message"] == "1"
        assert json.loads(missed) == {"_missed": 2}


async def test_victorialogs_gets_its_own_names_and_texts_only() -> None:
    async with site() as place, streaming(place, "/select/logsql/tail?query=error&start_offset=0s") as stream:
        assert stream.response.headers["content-type"] == "application/stream+json"
        place.log(1, "an error")
        row = json.loads((await stream.read(1))[0])
        assert row["_msg"] == "an error"
        assert row["_time"] == "2026-01-01T00:00:00Z"
        assert all(isinstance(value, str) for value in row.values())


async def test_victorialogs_takes_a_form() -> None:
    async with site() as place, httpx.AsyncClient() as client:
        request = client.stream("POST", place.url("/select/logsql/tail"), data={"query": "error"})
        async with request as response:
            assert response.status_code == 200


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def deaf(place: Site, headers: str) -> socket.socket:
    """A client that asks for everything and never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", place.port))
    client.sendall(f"GET /api/v1/tail HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    return client


@pytest.mark.parametrize("headers", [pytest.param("", id="sse"), pytest.param(UPGRADE, id="websocket")])
async def test_a_client_that_stops_reading_delays_nobody_and_is_cut(headers: str) -> None:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(site(Limits(buffer_rows=100), stalled=3))
        sleeper = deaf(place, headers)
        connections = [await stack.enter_async_context(place.socket()) for _ in range(50)]
        await place.subscribers(51)
        others = [asyncio.create_task(drained(connection, 60)) for connection in connections[1:]]
        # More than all the buffers of the kernel on both sides.
        for index in range(60):
            place.log(index, f"{index} " + "x" * 100_000)
            first = await rows(connections[0], 1)
            assert first[0].startswith(f"{index} ")
        assert await asyncio.gather(*others) == [60] * 49
        await place.subscribers(50)
        sleeper.close()


async def drained(connection: ClientConnection, count: int) -> int:
    """How many rows came or were told as missed, until it is so many."""
    found = 0
    while found < count:
        message = json.loads(await asyncio.wait_for(connection.recv(), 60))
        found += len(message["rows"]) if message["type"] == "rows" else message["count"]
    return found


async def delays(connections: Sequence[ClientConnection], place: Site, index: int) -> list[float]:
    """Seconds from publication to each client."""
    started = time.perf_counter()

    async def one(connection: ClientConnection) -> float:
        assert await rows(connection, 1) == [str(index)]
        return time.perf_counter() - started

    place.log(index, str(index))
    return await asyncio.gather(*(one(connection) for connection in connections))


async def test_a_hundred_subscribers_hear_every_row() -> None:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(site())
        connections = [await stack.enter_async_context(place.socket()) for _ in range(100)]
        await place.subscribers(100)
        found = [delay for index in range(10) for delay in await delays(connections, place, index)]
        print(f"median {statistics.median(found) * 1000:.1f} ms, worst {max(found) * 1000:.1f} ms")
