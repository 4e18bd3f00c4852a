import gzip
from collections.abc import Mapping

import httpx
import pytest

from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.testing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = b'{"text":"hello","when":"2026-01-02T03:04:05Z","app":"shop","pod":"a"}'
PATH = "/insert/jsonline"


def reading(server: Web) -> Reading:
    body = server.inlet.submissions[-1].body
    assert isinstance(body, Encoded)
    return body.reading


async def test_answers_as_victorialogs_does(client: httpx.AsyncClient, server: Web) -> None:
    answer = await client.post(PATH, content=LINE + b"\n" + LINE + b"\n")
    assert (answer.status_code, answer.content) == (200, b"")
    assert server.inlet.lines == [LINE, LINE]
    assert reading(server) == DEFAULT_READING


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        pytest.param("_msg_field=text,msg&_time_field=when&_stream_fields=app,%20pod", {}, id="parameters"),
        pytest.param(
            "",
            {"VL-Msg-Field": "text,msg", "VL-Time-Field": "when", "VL-Stream-Fields": "app,pod"},
            id="headers",
        ),
        pytest.param(
            "_msg_field=text,msg&_time_field=when",
            {"VL-Msg-Field": "other", "VL-Stream-Fields": "app,pod"},
            id="the query string wins",
        ),
    ],
)
async def test_the_sender_names_its_keys(
    client: httpx.AsyncClient, server: Web, query: str, headers: Mapping[str, str]
) -> None:
    assert (await client.post(f"{PATH}?{query}", content=LINE, headers=headers)).status_code == 200
    found = reading(server)
    assert (found.message, found.timestamp, found.stream_fields) == (
        ("text", "msg"),
        ("when",),
        ("app", "pod"),
    )


async def test_fields_are_left_out_and_put_in(client: httpx.AsyncClient, server: Web) -> None:
    await client.post(f"{PATH}?ignore_fields=pod,none&extra_fields=zone=eu,note=a=b", content=LINE)
    want = b'{"text":"hello","when":"2026-01-02T03:04:05Z","app":"shop","zone":"eu","note":"a=b"}'
    assert server.inlet.lines == [want]


async def test_bad_lines_are_refused_and_their_neighbours_kept(client: httpx.AsyncClient, server: Web) -> None:
    before = server.telemetry.total("logyard_records_refused_total")
    answer = await client.post(PATH, content=LINE + b"\nnot json\n" + LINE + b"\n[1]\n")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["logyard-rejected"] == "2; lines=1,3"
    assert server.inlet.lines == [LINE, LINE]
    assert server.telemetry.total("logyard_records_refused_total") - before == 2


async def test_nothing_good_is_a_400(client: httpx.AsyncClient) -> None:
    assert (await client.post(PATH, content=b"not json")).status_code == 400


async def test_nothing_at_all_is_fine(client: httpx.AsyncClient, server: Web) -> None:
    assert (await client.post(PATH, content=b"\n")).status_code == 200
    assert not server.inlet.submissions


async def test_an_encoded_body(client: httpx.AsyncClient, server: Web) -> None:
    await client.post(PATH, content=gzip.compress(LINE), headers={"content-encoding": "gzip"})
    assert server.inlet.lines == [LINE]


async def test_a_key_makes_it_safe_to_repeat(client: httpx.AsyncClient, server: Web) -> None:
    for _ in range(2):
        await client.post(PATH, content=LINE, headers={"idempotency-key": "k"})
    assert server.inlet.lines == [LINE]


async def test_a_reading_that_cannot_be_used_is_refused(client: httpx.AsyncClient) -> None:
    fields = ",".join(f"f{number}" for number in range(101))
    assert (await client.post(f"{PATH}?_msg_field={fields}", content=LINE)).status_code == 400
