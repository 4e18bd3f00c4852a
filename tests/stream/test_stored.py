"""Stored rows in front of a live tail; going on behind the last record one has had."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from logyard.model.dialect import Dialect
from logyard.stream.history import TailRequest
from logyard.stream.recent import Behind, Recent
from logyard.stream.stored import HIDDEN_ID, StoredRows
from logyard.testing.clock import ManualClock
from logyard.types import Json, LogId
from tests.stream.parts import framed, nth


class Asked:
    """Answers in two pieces, newest first, and remembers the question."""

    def __init__(self, *ids: int, key: str = "id") -> None:
        self.rows: list[dict[str, Json]] = [{key: str(each), "message": f"m{each}"} for each in ids]
        self.text = ""

    async def __call__(self, text: str, request: TailRequest) -> AsyncIterator[list[dict[str, Json]]]:
        self.text = text
        half = len(self.rows) // 2
        yield self.rows[:half]
        yield self.rows[half:]


def stored(asked: Asked) -> StoredRows:
    return StoredRows(asked, parse_id=lambda text: LogId(int(text)), clock=ManualClock())


async def test_rows_come_oldest_first_with_their_ids() -> None:
    asked = Asked(3, 2, 1)
    chunk = await stored(asked).newest(TailRequest(query="error  user:x", limit=3), None)
    assert chunk.ids == [1, 2, 3]
    assert msgspec.json.decode(chunk.lines[0]) == {"id": "1", "message": "m1"}
    assert asked.text == "error user:x"


async def test_victorialogs_rows_do_not_show_our_ids() -> None:
    asked = Asked(2, 1, key=HIDDEN_ID)
    chunk = await stored(asked).newest(TailRequest(limit=3, dialect=Dialect.VICTORIA), None)
    assert chunk.ids == [1, 2]
    assert msgspec.json.decode(chunk.lines[0]) == {"message": "m1"}


async def test_behind_a_record_only_what_came_later_counts() -> None:
    asked = Asked(31, 30, 21, 20, 11, 10)
    behind = Behind(lowest=LogId(10), had=((LogId(20), LogId(21)),))
    chunk = await stored(asked).newest(TailRequest(query="a or b", limit=9), behind)
    assert chunk.ids == [10, 11, 30, 31]
    assert asked.text == "id:>=10 (a or b)"


def published(*firsts: int) -> Recent:
    """Batches of three, published in this order."""
    recent = Recent(nth)
    for first in firsts:
        recent.add(framed(first, ["a", "b", "c"]))
    return recent


@pytest.mark.parametrize(
    ("last", "inside", "outside"),
    [
        pytest.param(21, [22, 10, 12, 30], [20, 21, 0, 9], id="ids were acknowledged out of order"),
        pytest.param(12, [30, 31, 99], [10, 11, 12, 20, 22], id="the end of a batch"),
        pytest.param(32, [33, 40], [10, 20, 30, 32], id="the last one of all"),
        pytest.param(5, [6, 10, 20, 30], [4, 5], id="forgotten since: by id"),
    ],
)
def test_what_is_behind_a_record(last: int, inside: list[int], outside: list[int]) -> None:
    behind = published(20, 10, 30).behind(LogId(last))
    assert [each for each in inside if LogId(each) not in behind] == []
    assert [each for each in outside if LogId(each) in behind] == []
