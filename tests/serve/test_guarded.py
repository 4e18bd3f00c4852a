"""Clients that are slow or greedy on purpose, and clients that break the protocol."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
import pytest_asyncio

from logyard.serve.http.guarded import Patience
from logyard.serve.http.listener import Listening
from logyard.testing.web import Web, web

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = b'{"a":1}'
POST = b"POST /logs HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hurried() -> AsyncIterator[Web]:
    patience = Patience(head_bytes=16 << 10, head_seconds=1, body_seconds=1.2, body_rate=1000)
    async with web(listening=Listening(drain_seconds=1, patience=patience)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow() -> AsyncIterator[Web]:
    async with web(listening=Listening(patience=Patience(head_bytes=16 << 10))) as running:
        yield running


async def talk(server: Web, *pieces: bytes, pause: float = 0.0, until: bytes = b"") -> bytes:
    """All that comes back until the server closes, or has said what is waited for and then nothing for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writing = asyncio.create_task(write(writer, pieces, pause))
    answer = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65536), 0.3 if answer and until in answer else 60):
            answer += piece
    except (TimeoutError, ConnectionResetError):
        answer += b"<open>"
    writing.cancel()
    writer.close()
    return answer


async def write(writer: asyncio.StreamWriter, pieces: Sequence[bytes], pause: float) -> None:
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(pause)


async def test_a_connection_that_says_nothing_is_closed(hurried: Web) -> None:
    assert (await talk(hurried)).startswith(b"HTTP/1.1 408 ")


async def test_a_head_that_comes_by_the_byte_is_given_up(hurried: Web) -> None:
    dripping = [bytes([byte]) for byte in b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 100]
    assert (await talk(hurried, *dripping, pause=0.02)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_stands_still_is_given_up(hurried: Web) -> None:
    hurried.reset()
    assert (await talk(hurried, POST % (100, ONE))).startswith(b"HTTP/1.1 408 ")
    assert not hurried.inlet.submissions


async def test_a_body_that_crawls_is_given_up(hurried: Web) -> None:
    dripping = [POST % (1000, b""), *[b" "] * 100]
    assert (await talk(hurried, *dripping, pause=0.02)).startswith(b"HTTP/1.1 408 ")


async def test_our_own_slowness_is_not_held_against_the_client(hurried: Web) -> None:
    hurried.reset()
    hurried.inlet.gate = asyncio.Event()
    answer = asyncio.create_task(talk(hurried, POST % (len(ONE), ONE)))
    await asyncio.sleep(2)
    hurried.inlet.gate.set()
    assert (await answer).startswith(b"HTTP/1.1 201 ")


async def test_a_quiet_connection_is_kept_between_requests(hurried: Web) -> None:
    async with httpx.AsyncClient(base_url=hurried.url) as client:
        await client.get("/health")
        await asyncio.sleep(1.5)
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /health HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(9000)), id="many"),
        pytest.param(b"GET /health HTTP/1.1\r\nx: " + b"y" * 200_000, id="one that is long"),
        pytest.param(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n", id="a long path"),
    ],
)
async def test_a_head_that_is_too_long_is_refused(narrow: Web, head: bytes) -> None:
    for end in (b"\r\n\r\n", b""):
        assert (await talk(narrow, head + end)).startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_is_no_large_head(server: Web) -> None:
    body = b'{"a":"' + b"x" * 300_000 + b'"}'
    assert (await talk(server, POST % (len(body), body))).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(b"POST /logs HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"POST /logs HTTP/1.1\r\nhost: x\r\ncontent-length: 7, 8\r\n\r\n", id="two lengths"),
        pytest.param(
            b"POST /logs HTTP/1.1\r\nhost: x\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(b"POST /logs HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="broken chunk"),
        pytest.param(b"GET /%zz\x01 HTTP/1.1\r\nhost: x\r\n\r\n", id="control character in the path"),
    ],
)
async def test_broken_http_gets_a_400(server: Web, head: bytes) -> None:
    answer = await talk(server, head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not server.inlet.submissions


async def test_pipelined_requests_are_answered_in_order(server: Web) -> None:
    many = b"".join(POST % (len(ONE), ONE) for _ in range(50))
    answer = await talk(server, many + b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n", until=b'"healthy"')
    places = [answer.index(b'"log_id":"%d"' % number) for number in range(1, 51)]
    assert places == sorted(places)
    assert answer.index(b'"healthy"') > places[-1]


async def test_head_and_body_of_a_small_answer_come_as_one_piece(server: Web) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(POST % (len(ONE), ONE))
    first = await reader.read(65536)
    assert first.startswith(b"HTTP/1.1 201 ")
    assert first.endswith(b"}")
    writer.close()


async def test_the_head_of_a_live_tail_does_not_wait_for_its_body(server: Web) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /api/v1/tail?format=ndjson HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(60):
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_an_answer_without_a_body_comes_at_once(server: Web) -> None:
    for method in (b"HEAD", b"OPTIONS"):
        assert b"x-request-id" in await talk(server, method + b" /health HTTP/1.1\r\nhost: x\r\n\r\n")


async def test_what_comes_behind_a_body_is_the_next_request(server: Web) -> None:
    answer = await talk(server, POST % (len(ONE), ONE + b"GET /nope HTTP/1.1\r\nhost: x\r\n\r\n"), until=b"1.1 404 ")
    assert (answer.count(b"HTTP/1.1 201 "), answer.count(b"HTTP/1.1 404 ")) == (1, 1)


async def test_a_client_may_ask_whether_to_go_on(server: Web) -> None:
    head = b"POST /logs HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n"
    assert (await talk(server, head % len(ONE), ONE, pause=0.05)).startswith(b"HTTP/1.1 100 ")
    assert (await talk(server, head % (1 << 40))).startswith(b"HTTP/1.1 413 ")


async def test_others_are_served_while_hundreds_dawdle(server: Web) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(300)]
    for _, writer in idle:
        writer.write(b"POST /logs HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert (await talk(server, POST % (len(ONE), ONE))).startswith(b"HTTP/1.1 201 ")
    for _, writer in idle:
        writer.close()
