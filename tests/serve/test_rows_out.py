import csv
import io
from collections.abc import AsyncIterator

import pytest

from logyard.errors import QueryTimeout
from logyard.serve.http.rows_out import CSV_ROWS, FORMATS, encoded
from logyard.serve.http.searching import Row
from logyard.types import Json


async def poured(*chunks: list[Row], failure: Exception | None = None) -> AsyncIterator[list[Row]]:
    for chunk in chunks:
        yield chunk
    if failure is not None:
        raise failure


async def written(name: str, *chunks: list[Row], failure: Exception | None = None) -> bytes:
    return b"".join([piece async for piece in encoded(poured(*chunks, failure=failure), FORMATS[name])])


async def table(*chunks: list[Row]) -> list[list[str]]:
    return list(csv.reader(io.StringIO((await written("csv", *chunks)).decode())))


async def test_records_have_the_canonical_columns_first() -> None:
    row: Row = {"zone": "eu", "message": "m", "alpha": 1, "id": "1", "service": "s", "timestamp": "t"}
    assert (await table([row]))[0] == ["id", "timestamp", "service", "message", "alpha", "zone"]


async def test_other_tables_keep_their_order() -> None:
    assert (await table([{"z": 1, "hits": 2}], [{"a": 3}]))[0] == ["z", "hits", "a"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("plain", "plain", id="text"),
        pytest.param('a "quoted", cell\nof two lines', 'a "quoted", cell\nof two lines', id="quotes and lines"),
        pytest.param(None, "", id="null"),
        pytest.param(True, "true", id="boolean"),
        pytest.param(1.5, "1.5", id="number"),
        pytest.param([1, "x"], '[1,"x"]', id="list"),
    ],
)
async def test_a_cell_of_csv(value: Json, cell: str) -> None:
    assert await table([{"a": value, "b": "c"}]) == [["a", "b"], [cell, "c"]]


async def test_fields_that_come_after_the_header_go_into_a_last_column() -> None:
    first: list[Row] = [{"a": str(number)} for number in range(CSV_ROWS)]
    header, *rows = await table(first, [{"a": "x", "late": 1}, {"a": "y"}])
    assert header == ["a", "_rest"]
    assert rows[CSV_ROWS:] == [["x", '{"late":1}'], ["y", ""]]


async def test_an_error_is_the_last_line_of_csv() -> None:
    lines = (await written("csv", [{"a": "1"}] * CSV_ROWS, failure=QueryTimeout("too long"))).splitlines()
    assert lines[-1] == b"# error: too long"


async def test_an_error_before_the_first_piece_is_raised() -> None:
    for name in FORMATS:
        with pytest.raises(QueryTimeout):
            await written(name, failure=QueryTimeout("too long"))


async def test_an_unforeseen_error_tells_nothing_of_the_inside() -> None:
    answer = await written("ndjson", [{"a": "1"}], failure=RuntimeError("secret"))
    assert b"secret" not in answer
    assert b'"status":500' in answer
