"""Bodies that mean harm, and the collections of naughty input: never a 5xx, never a lost neighbour."""

import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import pytest

from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "malformed"
GOOD = b'{"message":"neighbour"}'
PATHS = ("/logs", "/logs/batch", "/ingest", "/insert/jsonline")


def given(name: str) -> bytes:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path.read_bytes()


def json_suite() -> Iterator[tuple[str, str, bytes]]:
    for line in given("jsontestsuite.jsonl").splitlines():
        case = json.loads(line)
        yield case["name"], case["expect"], base64.b64decode(case["bytes_b64"])


def texts() -> list[bytes]:
    naughty: list[str] = json.loads(given("blns.json"))
    return [text.encode("utf-8", "surrogatepass") for text in naughty] + given("UTF-8-test-kuhn.txt").splitlines()


async def test_every_file_of_the_json_suite_as_a_body(client: httpx.AsyncClient) -> None:
    for name, expect, body in json_suite():
        for path in PATHS:
            answer = await client.post(path, content=body)
            assert answer.status_code in {200, 201, 207, 400}, (name, path)
            if expect == "reject" and path == "/logs" and not answer.is_success:
                assert answer.json()["detail"], name


async def test_every_file_of_the_json_suite_between_neighbours(client: httpx.AsyncClient, server: Web) -> None:
    for name, _, body in json_suite():
        for lines in (GOOD + b"\n" + body.replace(b"\n", b" ") + b"\n" + GOOD,):
            server.inlet.reset()
            answer = await client.post("/logs", content=lines, headers={"content-type": "application/x-ndjson"})
            assert answer.status_code in {201, 207}, name
            assert (server.inlet.lines[0], server.inlet.lines[-1]) == (GOOD, GOOD), name


async def test_every_naughty_text_as_a_message(client: httpx.AsyncClient, server: Web) -> None:
    for text in texts():
        server.inlet.reset()
        known = text.decode("utf-8", "replace")
        body = b'{"message":' + msgspec.json.encode(known) + b"}\n" + GOOD
        assert (await client.post("/logs", content=body)).status_code == 201, text
        assert msgspec.json.decode(server.inlet.lines[0]) == {"message": known}


async def test_every_naughty_text_as_raw_bytes_in_a_message(client: httpx.AsyncClient, server: Web) -> None:
    for text in texts():
        server.inlet.reset()
        body = b'{"message":"' + text + b'"}\n' + GOOD
        answer = await client.post("/logs", content=body, headers={"content-type": "application/x-ndjson"})
        assert answer.status_code in {201, 207}, text
        assert server.inlet.lines[-1] == GOOD


async def test_every_naughty_text_as_a_body_and_a_name(client: httpx.AsyncClient) -> None:
    for text in texts():
        answers = [
            await client.post("/logs", content=text),
            await client.get("/logs/" + quote(text)),
            await client.get("/logs", params={"service": text, "keyword": text, "level": text}),
            await client.get("/api/v1/query", params={"query": text, "start": text}),
        ]
        assert all(answer.status_code < 500 for answer in answers), text


@pytest.mark.parametrize("path", PATHS)
async def test_deep_nesting_is_refused_and_its_neighbours_are_kept(
    client: httpx.AsyncClient, server: Web, path: str
) -> None:
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    answer = await client.post(path, content=b"\n".join((GOOD, deep, GOOD)))
    assert answer.status_code == (200 if path == "/insert/jsonline" else 207)
    assert server.inlet.lines == [GOOD, GOOD]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="brackets that open"),
        pytest.param(b"[" * 10_000 + b"]" * 10_000, id="arrays in arrays"),
        pytest.param(b'{"a":' * 100_000, id="objects that open"),
        pytest.param(b'{"a":"' + b"\\" * 1_000_001 + b'"}', id="backslashes"),
        pytest.param(b'{"a":' + b"9" * 100_000 + b"}", id="a long number"),
        pytest.param(b'{"a":1e' + b"9" * 1000 + b"}", id="a large exponent"),
    ],
)
async def test_one_object_that_means_harm_is_a_400(client: httpx.AsyncClient, body: bytes) -> None:
    for path in PATHS:
        assert (await client.post(path, content=body)).status_code == 400


async def test_a_hundred_thousand_fields_are_refused(client: httpx.AsyncClient, server: Web) -> None:
    many = msgspec.json.encode({f"field{number}": number for number in range(100_000)})
    answer = await client.post("/logs", content=GOOD + b"\n" + many)
    assert (answer.status_code, answer.json()["errors"][0]["index"]) == (207, 1)
    assert server.inlet.lines == [GOOD]


async def test_a_line_that_is_too_long_is_refused(client: httpx.AsyncClient, server: Web) -> None:
    line = b'{"a":"' + b"x" * (2 << 20) + b'"}'
    answer = await client.post("/logs", content=b"\n".join((GOOD, line, GOOD)))
    assert (answer.status_code, answer.json()["errors"][0]["index"]) == (207, 1)
    assert server.inlet.lines == [GOOD, GOOD]


async def test_a_body_of_a_hundred_megabytes_is_refused(client: httpx.AsyncClient, server: Web) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * (1 << 20)

    answer = await client.post("/logs", content=endless())
    assert answer.status_code == 413
    assert not server.inlet.submissions


async def test_a_bomb_is_refused_and_the_server_goes_on(client: httpx.AsyncClient, server: Web) -> None:
    stream = zlib.compressobj(9, wbits=31)
    bomb = b"".join(stream.compress(bytes(1 << 20)) for _ in range(200)) + stream.flush()
    answer = await client.post("/logs", content=bomb, headers={"content-encoding": "gzip"})
    assert answer.status_code == 413
    assert (await client.post("/logs", content=GOOD)).status_code == 201
    assert server.inlet.lines == [GOOD]


async def test_many_lines_in_one_body(client: httpx.AsyncClient, server: Web) -> None:
    lines = [b'{"message":"line %d"}' % number for number in range(50_000)]
    lines[777] = b'{"message":'
    body = gzip.compress(b"\n".join(lines), 1)
    answer = await client.post("/ingest", content=body, headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["accepted"]) == (207, 49_999)
    assert [error["index"] for error in answer.json()["errors"]] == [777]
    assert len(server.inlet.lines) == 49_999
