"""Where the sample of a preview comes from: a file, stdin, or a running Logyard."""

import sys
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import polars as pl

from logyard.cli.asking import decoded
from logyard.cli.remote import Remote
from logyard.clock import SystemClock
from logyard.errors import BadInput
from logyard.pipeline.samples import of_lines, of_records
from logyard.types import Nanoseconds

__all__ = ["of_file", "of_server"]

_LONGEST: Final = 1 << 20
_OURS: Final = frozenset({"id", "_id"})


def of_file(name: str, source: str, limit: int) -> pl.DataFrame:
    """The first lines of a file, - is stdin. Raises ``BadInput``."""
    try:
        if name == "-":
            lines = _taken(sys.stdin.buffer, limit)
        else:
            with Path(name).open("rb") as file:
                lines = _taken(file, limit)
    except OSError as error:
        raise BadInput(f"cannot read {name}: {error.strerror}") from error
    return of_lines(lines, source, _now())


def of_server(url: str, query: str, limit: int) -> pl.DataFrame:
    """The newest records of a running Logyard that match."""
    with Remote(url) as remote, remote.stream("/api/v1/query", {"query": query, "limit": limit}) as pieces:
        rows = [row for part in decoded(pieces) for row in part]
    plain = [cast("dict[str, object]", msgspec.json.decode(msgspec.json.encode(row))) for row in rows]
    return of_records([{name: row[name] for name in row if name not in _OURS} for row in plain[::-1]], _now())


def _taken(file: BinaryIO, limit: int) -> list[str]:
    lines = islice(iter(lambda: file.readline(_LONGEST), b""), limit)
    return [line.decode("utf-8", "replace").rstrip("\r\n") for line in lines]


def _now() -> Nanoseconds:
    return Nanoseconds(SystemClock().now())
