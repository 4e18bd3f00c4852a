"""Rows on their way out: NDJSON, a JSON array, or CSV, in pieces.

An error after the first piece cannot change the status any more. It is told in the stream, and the stream
ends there:

    ndjson   a last line     {"error": {problem}}
    json     a last element  {"error": {problem}}
    csv      a last line     # error: detail

CSV has one header for all rows, made of the first ``CSV_ROWS``: records have the canonical columns first
and the others sorted behind them; other tables keep the order of their first row. If still more rows come,
the fields that the header does not know go into a last column, ``_rest``, as JSON.
"""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import msgspec

from logyard.errors import BadInput
from logyard.model.schema import FRAME
from logyard.serve.http.problems import Problem, problem_of
from logyard.types import Json

__all__ = ["CSV_ROWS", "FORMATS", "Chunks", "RowFormat", "encoded"]

CSV_ROWS: Final = 10_000

Rows = Sequence[Mapping[str, Json]]
Chunks = AsyncIterator[list[dict[str, Json]]]
Bytes = AsyncGenerator[bytes, None]

_REST: Final = "_rest"
_CANONICAL: Final = (
    "id",
    "timestamp",
    "observed",
    *(name for name in FRAME if name not in {"timestamp", "attributes"}),
)
_JSON: Final = msgspec.json.Encoder(enc_hook=str)  # SQL may give values that are no JSON


class RowFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A way to write rows."""

    media_type: str
    encode: Callable[[Chunks], Bytes]
    """Raises what the chunks raise."""
    error: Callable[[Problem], bytes]
    """What is written at the place where the rows end in an error."""


async def encoded(chunks: Chunks, how: RowFormat) -> AsyncIterator[bytes]:
    """The pieces of the answer. An error before the first piece is raised; a later one is written."""
    begun = False
    async with aclosing(how.encode(chunks)) as pieces:
        try:
            async for piece in pieces:
                yield piece
                begun = True
        except Exception as error:
            if not begun:
                raise
            yield how.error(problem_of(error))


def row_format(name: str, default: str = "ndjson") -> RowFormat:
    """The format called ``name``. Raises ``BadInput`` with the names there are."""
    found = FORMATS.get(name or default)
    if found is None:
        raise BadInput(f"cannot understand format {name!r}: it should be one of {', '.join(FORMATS)}")
    return found


@asynccontextmanager
async def _closing(chunks: Chunks) -> AsyncIterator[None]:
    """Stop the work behind the chunks, however this ends."""
    try:
        yield
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


async def _ndjson(chunks: Chunks) -> Bytes:
    async with _closing(chunks):
        async for rows in chunks:
            if rows:
                yield _JSON.encode_lines(rows)


def _ndjson_error(problem: Problem) -> bytes:
    return _JSON.encode({"error": problem.document()}) + b"\n"


async def _array(chunks: Chunks) -> Bytes:
    before = b"["
    async with _closing(chunks):
        async for rows in chunks:
            if rows:
                yield before + _JSON.encode(rows)[1:-1]
                before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


def _array_error(problem: Problem) -> bytes:
    return b",\n" + _JSON.encode({"error": problem.document()}) + b"]\n"


async def _csv(chunks: Chunks) -> Bytes:
    head: list[Mapping[str, Json]] = []
    table: _Table | None = None
    async with _closing(chunks):
        async for rows in chunks:
            if table is not None:
                yield table.lines(rows)
                continue
            head += rows
            if len(head) >= CSV_ROWS:
                table = _Table(_columns(head), rest=True)
                yield table.header() + table.lines(head)
    if table is None:
        table = _Table(_columns(head), rest=False)
        yield table.header() + table.lines(head)


def _csv_error(problem: Problem) -> bytes:
    return f"# error: {problem.detail}".replace("\n", " ").encode() + b"\r\n"


def _columns(rows: Rows) -> list[str]:
    seen = list(dict.fromkeys(name for row in rows for name in row))
    if "id" not in seen or "timestamp" not in seen:
        return seen
    known = [name for name in _CANONICAL if name in seen]
    return known + sorted(set(seen) - set(known))


class _Table:
    """Writes CSV (RFC 4180) with fixed columns."""

    def __init__(self, columns: Sequence[str], *, rest: bool) -> None:
        self._columns = columns
        self._known = frozenset(columns)
        self._rest = rest

    def header(self) -> bytes:
        names = [*self._columns, _REST] if self._rest else list(self._columns)
        return _written([names]) if names else b""

    def lines(self, rows: Rows) -> bytes:
        return _written([self._cells(row) for row in rows])

    def _cells(self, row: Mapping[str, Json]) -> list[str]:
        cells = [_cell(row.get(name)) for name in self._columns]
        if self._rest:
            unknown = {name: value for name, value in row.items() if name not in self._known}
            cells.append(_cell(unknown) if unknown else "")
        return cells


def _written(lines: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(lines)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _JSON.encode(value).decode()


FORMATS: Final[Mapping[str, RowFormat]] = {
    "ndjson": RowFormat(media_type="application/x-ndjson", encode=_ndjson, error=_ndjson_error),
    "json": RowFormat(media_type="application/json", encode=_array, error=_array_error),
    "csv": RowFormat(media_type="text/csv; charset=utf-8", encode=_csv, error=_csv_error),
}
