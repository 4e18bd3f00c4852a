"""The rows of an answer, one after the other as they arrive, or all of them as a frame.

An answer that ends in an error says so in its last line; it is raised there.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final, Self

import httpx
import msgspec
import polars as pl

from logyard.client.answers import Row
from logyard.client.connection import connection_errors
from logyard.client.refusal import refusal

__all__ = ["AsyncRows", "Lines", "Rows", "row_of"]

_ROW: Final[msgspec.json.Decoder[Row]] = msgspec.json.Decoder(dict[str, object])
_ERROR: Final = {"error"}


class Lines:
    """Bytes in pieces into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, piece: bytes) -> list[bytes]:
        """The lines that this piece has ended, without their ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return lines


def row_of(line: bytes) -> Row:
    """A line. Raises the error that it tells of."""
    row = _ROW.decode(line)
    problem = row.get("error")
    if row.keys() == _ERROR and isinstance(problem, dict) and isinstance(problem.get("status"), int):
        raise refusal(int(str(problem["status"])), msgspec.json.encode(problem), is_query=True)
    return row


class Rows:
    """Iterate it once, or take it whole. Leaving its context, or ``close``, ends the server's work for it."""

    def __init__(self, answer: httpx.Response, url: str) -> None:
        self._answer = answer
        self._url = url

    def __iter__(self) -> Iterator[Row]:
        lines = Lines()
        try:
            with connection_errors(self._url):
                for piece in self._answer.iter_bytes():
                    yield from map(row_of, filter(None, lines.add(piece)))
        finally:
            self.close()

    def to_polars(self) -> pl.DataFrame:
        """All rows that are left. A field that is text in one row and a number in another is text."""
        return frame_of(list(self))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's own interface: ``pyarrow.table(rows)``, ``duckdb``, ``pandas`` take it as it is."""
        return self.to_polars().__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """Take no more."""
        self._answer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncRows:
    """The same on an event loop."""

    def __init__(self, answer: httpx.Response, url: str) -> None:
        self._answer = answer
        self._url = url

    async def __aiter__(self) -> AsyncIterator[Row]:
        lines = Lines()
        async with self:
            async for piece in self._pieces():
                for line in filter(None, lines.add(piece)):
                    yield row_of(line)

    async def _pieces(self) -> AsyncIterator[bytes]:
        with connection_errors(self._url):
            async for piece in self._answer.aiter_bytes():
                yield piece

    async def to_polars(self) -> pl.DataFrame:
        """All rows that are left, as ``Rows`` has them."""
        return frame_of([row async for row in self])

    async def aclose(self) -> None:
        """Take no more."""
        await self._answer.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def frame_of(rows: list[Row]) -> pl.DataFrame:
    """Rows as a frame; columns in the order in which they first come."""
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)
