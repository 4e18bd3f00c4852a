import asyncio
import gzip
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest

from logyard.errors import Backpressure, Closing, DiskFull, LogyardError
from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = b'{"service":"shop","message":"hello"}'
POSTS = ("/logs", "/logs/batch", "/ingest", "/api/v1/logs", "/api/v1/logs/batch", "/api/v1/ingest")
OK = {"/logs": 201, "/logs/batch": 201, "/ingest": 200}


async def post(client: httpx.AsyncClient, path: str, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(path, content=body, headers=named)


async def test_one_entry_is_acknowledged_with_its_id(client: httpx.AsyncClient, server: Web) -> None:
    answer = await post(client, "/logs", ONE)
    assert answer.status_code == 201
    want = {"status": "logged", "log_id": "1", "message": "Log ingested successfully"}
    assert answer.json() == want
    assert server.inlet.lines == [ONE]


async def test_the_same_under_api_v1(client: httpx.AsyncClient) -> None:
    answer = await post(client, "/api/v1/logs", ONE)
    assert (answer.status_code, answer.json()["log_id"]) == (201, "1")
    assert answer.json()["message"] == "Log ingested successfully"


THREE = [b'{"a":1}', b'{"b":2}', b'{"c":3}']


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b",".join(THREE) + b"]", id="array"),
        pytest.param(b'{"logs":[' + b", ".join(THREE) + b"]}", id="wrapped"),
        pytest.param(b"\n".join(THREE), id="lines"),
        pytest.param(b"\r\n".join(THREE) + b"\r\n\r\n", id="lines of Windows"),
        pytest.param(b"\xef\xbb\xbf" + b"\n".join(THREE), id="lines behind a byte order mark"),
    ],
)
async def test_every_form_of_a_batch(client: httpx.AsyncClient, server: Web, path: str, body: bytes) -> None:
    answer = await post(client, path, body)
    assert answer.status_code == OK[path.removeprefix("/api/v1")]
    assert answer.json()["log_id"] == "1"
    assert server.inlet.lines == THREE


async def test_a_batch_answers_with_the_ids_of_all(client: httpx.AsyncClient) -> None:
    answer = (await post(client, "/logs", b"\n".join(THREE))).json()
    assert answer == {"status": "logged", "count": 3, "log_id": "1", "log_ids": ["1", "2", "3"]}


async def test_a_very_large_batch_answers_with_the_first_id(client: httpx.AsyncClient) -> None:
    answer = (await post(client, "/logs", b'{"a":1}\n' * 5000)).json()
    assert answer == {"status": "logged", "count": 5000, "log_id": "1"}


async def test_ingest_counts(client: httpx.AsyncClient) -> None:
    answer = (await post(client, "/ingest", b"\n".join(THREE))).json()
    assert answer == {"status": "accepted", "accepted": 3, "rejected": 0, "log_id": "1"}


async def test_a_batch_of_one_is_still_a_batch(client: httpx.AsyncClient) -> None:
    for body in (b'[{"a":1}]', b'{"logs":[{"a":1}]}'):
        assert (await post(client, "/logs", body)).json()["count"] == 1


async def test_an_entry_may_have_a_field_called_logs(client: httpx.AsyncClient) -> None:
    assert (await post(client, "/logs", b'{"logs":"many","message":"x"}')).json()["status"] == "logged"
    assert "count" not in (await post(client, "/logs", b'{"logs":"many","message":"x"}')).json()


async def test_good_items_are_kept_beside_bad_ones(client: httpx.AsyncClient, server: Web) -> None:
    answer = await post(client, "/logs", b'[{"a":1}, 5, {"b":2}, {"x":NaN}]')
    assert answer.status_code == 207
    result = answer.json()
    assert (result["status"], result["accepted"], result["rejected"]) == ("partial", 2, 2)
    assert [error["index"] for error in result["errors"]] == [1, 3]
    assert result["errors"][0]["reason"] == "not an object but an int"
    assert server.inlet.lines == [b'{"a":1}', b'{"b":2}']


async def test_a_batch_has_a_result_for_each_item(client: httpx.AsyncClient) -> None:
    answer = await post(client, "/logs/batch", b'{"logs":[{"a":1}, "x", {"b":2}]}')
    assert answer.status_code == 207
    assert answer.json()["results"] == [
        {"index": 0, "status": "logged", "log_id": "1"},
        {"index": 1, "status": "error", "error": "not an object but a str"},
        {"index": 2, "status": "logged", "log_id": "2"},
    ]


async def test_nothing_good_is_a_400_that_names_each_item(client: httpx.AsyncClient, server: Web) -> None:
    answer = await post(client, "/ingest", b"[1, 2]")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["index"] for error in answer.json()["errors"]] == [0, 1]
    assert not server.inlet.submissions


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n\n ", id="blank"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"hello", id="plain text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="empty array"),
        pytest.param(b'{"logs":[]}', id="empty list"),
        pytest.param(b'"text"', id="a string"),
        pytest.param(b'{"a":1', id="open object"),
        pytest.param(b'[{"a":1}', id="open array"),
        pytest.param(b'{"a":1}}', id="one bracket too many"),
        pytest.param(b"\x00\x01\x02", id="binary"),
    ],
)
async def test_malformed_is_a_400_with_a_reason(client: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await post(client, path, body)
    assert answer.status_code == 400
    assert answer.json()["detail"]


async def test_a_repeated_request_gets_its_first_answer(client: httpx.AsyncClient, server: Web) -> None:
    body = b'[{"a":1},{"b":2}]'
    first, second = [await post(client, "/logs", body, idempotency_key="k1") for _ in range(2)]
    assert second.json() == first.json()
    assert second.status_code == first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(server.inlet.submissions) == 1


async def test_another_key_is_another_request(client: httpx.AsyncClient, server: Web) -> None:
    for key in ("a", "b"):
        await post(client, "/logs", ONE, idempotency_key=key)
    assert len(server.inlet.submissions) == 2


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
async def test_a_key_that_cannot_be_used_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await post(client, "/logs", ONE, idempotency_key=key)
    assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param({"message": "x"}, {"message": "x", "service": "shop"}, id="no service"),
        pytest.param({"service": ""}, {"service": "shop"}, id="empty service"),
        pytest.param({"service": None, "a": 1}, {"service": "shop", "a": 1}, id="null service"),
        pytest.param({"service": "own"}, {"service": "own"}, id="its own service"),
        pytest.param({"app": "own"}, {"app": "own"}, id="its own by another name"),
        pytest.param({}, {"service": "shop"}, id="nothing at all"),
    ],
)
async def test_the_service_header_is_for_entries_without(
    client: httpx.AsyncClient, server: Web, line: Mapping[str, Any], want: Mapping[str, Any]
) -> None:
    answer = await post(client, "/logs", msgspec.json.encode(line), x_service_name="shop")
    assert answer.status_code == 201
    assert [msgspec.json.decode(line) for line in server.inlet.lines] == [want]


@pytest.mark.parametrize(
    ("refusal", "status", "retry"),
    [
        pytest.param(Backpressure("full", retry_after=2.5), 429, "3", id="full"),
        pytest.param(DiskFull("no room", retry_after=30), 507, "30", id="disk full"),
        pytest.param(Closing("stopping", retry_after=0.1), 503, "1", id="stopping"),
    ],
)
async def test_a_bad_moment_says_when_to_come_back(
    client: httpx.AsyncClient, server: Web, refusal: LogyardError, status: int, retry: str
) -> None:
    server.inlet.refusal = refusal
    answer = await post(client, "/logs", ONE)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, retry)
    server.inlet.refusal = None
    assert (await post(client, "/logs", ONE)).status_code == 201


async def test_encoded_bodies(client: httpx.AsyncClient, server: Web) -> None:
    assert (await post(client, "/logs", gzip.compress(ONE), content_encoding="gzip")).status_code == 201
    assert (await post(client, "/logs", ONE, content_encoding="gzip")).status_code == 400
    unknown = await post(client, "/logs", ONE, content_encoding="br")
    assert (unknown.status_code, "zstd" in unknown.headers["accept-encoding"]) == (415, True)
    assert server.inlet.lines == [ONE]


async def test_the_acknowledgement_waits_for_the_inlet(client: httpx.AsyncClient, server: Web) -> None:
    server.inlet.gate = asyncio.Event()
    waiting = asyncio.create_task(post(client, "/logs", ONE))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    server.inlet.gate.set()
    assert (await waiting).status_code == 201


async def test_what_came_and_what_was_refused_is_counted(client: httpx.AsyncClient, server: Web) -> None:
    names = ("logyard_records_received_total", "logyard_records_received_bytes_total")
    counted = [server.telemetry.total(name) for name in (*names, "logyard_records_refused_total")]
    await post(client, "/logs", b'[{"a":1},{"b":2},3]')
    now = [server.telemetry.total(name) for name in (*names, "logyard_records_refused_total")]
    assert [after - before for before, after in zip(counted, now, strict=True)] == [2, 15, 1]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", ""])
async def test_lines_are_lines_whatever_the_type_says(client: httpx.AsyncClient, server: Web, kind: str) -> None:
    await post(client, "/logs", b"\n".join(THREE), content_type=kind)
    assert server.inlet.lines == THREE


async def test_a_pretty_printed_entry_becomes_one_line(client: httpx.AsyncClient, server: Web) -> None:
    await post(client, "/logs", b'{\n  "a": {\n    "b": 1\n  }\n}\n', content_type="application/json")
    assert [msgspec.json.decode(line) for line in server.inlet.lines] == [{"a": {"b": 1}}]
