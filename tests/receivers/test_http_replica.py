"""Records that were accepted elsewhere."""

from typing import Any

import httpx
import msgspec
import pytest

from logyard.model.handover import Placed
from logyard.testing.web import Web
from logyard.types import LogId, Nanoseconds

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTE = "/api/v1/replica"
NOW = 1_767_225_600_000_000_000
SNOWFLAKE = (NOW // 1_000_000) << 22


def body(blocks: list[dict[str, int]], *lines: bytes) -> bytes:
    return b"\n".join([msgspec.json.encode({"blocks": blocks}), *lines])


def block(first: int, rows: int, received: int = NOW) -> dict[str, int]:
    return {"first": first, "received": received, "rows": rows}


async def test_blocks_keep_their_ids_and_their_arrival(client: httpx.AsyncClient, server: Web) -> None:
    payload = body([block(7, 2), block(SNOWFLAKE, 1, NOW + 5)], b'{"a":1}', b'{"a":2}', b'{"a":3}\n')
    answer = await client.post(ROUTE, content=payload)
    assert (answer.status_code, answer.json()) == (200, {"blocks": 2, "rows": 3, "stored": 3})
    assert server.inlet.firsts == [7, SNOWFLAKE]
    placed = [submission.placed for submission in server.inlet.submissions]
    assert placed == [
        Placed(LogId(7), Nanoseconds(NOW)),
        Placed(LogId(SNOWFLAKE), Nanoseconds(NOW + 5)),
    ]
    assert [submission.key for submission in server.inlet.submissions] == [f"block 0 {NOW}", f"block 0 {NOW + 5}"]
    assert server.inlet.lines == [b'{"a":1}', b'{"a":2}', b'{"a":3}']


async def test_a_block_that_is_there_is_not_stored_again(client: httpx.AsyncClient, server: Web) -> None:
    await client.post(ROUTE, content=body([block(7, 1)], b'{"a":1}'))
    answer = await client.post(ROUTE, content=body([block(7, 1), block(8, 1, NOW + 1)], b'{"a":1}', b'{"a":2}'))
    assert answer.json() == {"blocks": 2, "rows": 2, "stored": 1}
    assert server.inlet.firsts == [7, 8]


async def test_fresh_blocks_are_handed_on_as_such(client: httpx.AsyncClient, server: Web) -> None:
    head = msgspec.json.encode({"blocks": [block(7, 1)], "fresh": True})
    assert (await client.post(ROUTE, content=head + b'\n{"a":1}')).is_success
    assert [each.placed and each.placed.fresh for each in server.inlet.submissions] == [True]


async def test_browsers_are_refused(client: httpx.AsyncClient, server: Web) -> None:
    payload = body([block(7, 1)], b'{"a":1}')
    answer = await client.post(ROUTE, content=payload, headers={"Origin": "http://127.0.0.1"})
    assert (answer.status_code, server.inlet.submissions) == (400, [])


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"", "the first line does not say which blocks follow", id="nothing"),
        pytest.param(b'{"a":1}', "the first line does not say which blocks follow", id="no head"),
        pytest.param(b"[" * 100_000, "the first line does not say which blocks follow", id="deep"),
        pytest.param(body([]), "the first line does not say which blocks follow", id="no blocks"),
        pytest.param(body([block(0, 1)], b"{}"), "the first line", id="id 0"),
        pytest.param(body([block(1 << 63, 1)], b"{}"), "the first line", id="id too large"),
        pytest.param(body([block(7, 0)], b"{}"), "the first line", id="empty block"),
        pytest.param(body([block(7, 1)]), "no records follow the first line", id="no records"),
        pytest.param(body([block(7, 2)], b"{}"), "speaks of 2 records, and 1 follow", id="too few"),
        pytest.param(body([block(7, 1)], b"{}", b"{}"), "speaks of 1 records, and 2 follow", id="too many"),
        pytest.param(body([block(7, 2)], b"{}", b"nonsense"), "item 1: ", id="a bad record"),
        pytest.param(body([block((1 << 63) - 1, 1)], b"{}"), "later time than its record", id="an id of the future"),
    ],
)
async def test_what_cannot_be_a_replica_is_refused_whole(
    client: httpx.AsyncClient, server: Web, payload: bytes, reason: str
) -> None:
    answer = await client.post(ROUTE, content=payload)
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, server.inlet.submissions) == (400, [])
    assert reason in found["detail"]
