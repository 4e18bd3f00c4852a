"""An answer as it comes in: Arrow's streaming format, and what a server says when it fails in the middle of it.

Then it ends the body without its last chunk, behind ``__exception__``, a tag and its words; servers before 25.11 end
the body in the regular way, with their words behind the data.
"""

import http.client
import re
from collections.abc import Iterator
from typing import Final

import polars as pl
import pyarrow as pa

from logyard.store.cluster.failures import Away, query_failure

__all__ = ["Answer"]

_TAIL: Final = 16 << 10
_WORDS: Final = re.compile(rb"Code: \d+\. DB::Exception: .*", re.DOTALL)


class Answer:
    """The body of one answer; a file, as far as Arrow needs one."""

    closed = False

    def __init__(self, response: http.client.HTTPResponse, sql: str) -> None:
        """``sql`` is the question."""
        self._response = response
        self._sql = sql
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        """So many bytes; fewer only at the end. Raises what the server said when it failed."""
        try:
            data = self._response.read(None if size < 0 else size)
        except http.client.IncompleteRead as error:
            raise self._failure(error.partial, error) from error
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        return data

    def all(self) -> bytes:
        """The whole of it."""
        return self.read()

    def frames(self) -> Iterator[pl.DataFrame]:
        """An answer in ArrowStream, piece by piece."""
        try:
            with pa.ipc.open_stream(pa.PythonFile(self, mode="r")) as stream:
                frames = (pl.from_arrow(batch) for batch in stream)
                yield from (frame for frame in frames if isinstance(frame, pl.DataFrame) and frame.height)
            self.read()  # the end of the body, behind the end of the stream
        except pa.ArrowInvalid as error:
            raise self._failure(b"", error) from error

    def _failure(self, last: bytes, error: Exception) -> Exception:
        found = _WORDS.search(self._tail + last[-_TAIL:])
        if found is None:
            return Away(f"the answer broke off: {str(error) or type(error).__name__}")
        return query_failure(found[0].decode(errors="replace").partition("\n")[0], self._sql)
