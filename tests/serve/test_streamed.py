import asyncio

import httpx
import pytest

from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = b"GET /api/v1/query?format=%s HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize("form", [b"ndjson", b"json", b"csv"])
async def test_a_query_stops_when_its_client_goes_away(server: Web, form: bytes) -> None:
    server.search.chunks, server.search.hangs = [[{"n": "1"}] * 20_000], True
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(REQUEST % form)
    assert b"200 OK" in await reader.readline()
    assert not server.search.closed.is_set()
    writer.close()
    async with asyncio.timeout(60):
        await server.search.closed.wait()


async def test_a_client_that_reads_slowly_holds_the_query_back(server: Web) -> None:
    taken = 0

    class Counted(list[list[dict[str, str]]]):
        def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - a source that counts
            nonlocal taken
            for _ in range(2000):
                taken += 1
                yield [{"text": "x" * 1000}] * 100

    server.search.chunks = Counted()  # type: ignore[assignment]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    writer.write(REQUEST % b"ndjson")
    await reader.readline()
    before = -1
    while taken != before:
        before = taken
        await asyncio.sleep(0.05)
    assert taken < 500
    writer.close()
    async with asyncio.timeout(60):
        await server.search.closed.wait()


async def test_rows_arrive_before_the_query_has_ended(client: httpx.AsyncClient, server: Web) -> None:
    server.search.chunks, server.search.hangs = [[{"n": 1}]], True
    async with client.stream("GET", "/api/v1/query") as answer:
        assert await anext(answer.aiter_lines()) == '{"n":1}'
        assert not server.search.closed.is_set()
