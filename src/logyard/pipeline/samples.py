"""Samples of records for trying a pipeline out: lines as a file has them, and records as a sender would send them."""

from collections.abc import Mapping, Sequence

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.formats.json.frame import frame
from logyard.formats.json.settle import block, settled
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.types import Nanoseconds

__all__ = ["of_lines", "of_records"]


def of_lines(lines: Sequence[str], source: str, now: Nanoseconds) -> pl.DataFrame:
    """As the receiver ``files`` hands them in. ``source``: the file's path."""
    name = source.rpartition("/")[2]
    reading = DEFAULT_READING.given({"service": name.partition(".")[0] or name, "source": source})
    text = "".join(f"{line}\n" for line in lines)
    body = block(text.encode(), msgspec.structs.replace(reading, kind="raw"))
    return frame(settled(body), now) if body is not None else frame(Encoded(lines=b"{}", rows=1), now)[:0]


def of_records(records: Sequence[Mapping[str, object]], now: Nanoseconds) -> pl.DataFrame:
    """As they would come in over HTTP. Raises ``BadConfig`` for what JSON cannot hold."""
    try:
        lines = b"\n".join(msgspec.json.encode(record) for record in records)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadConfig(f"not a record: {error}") from error
    return frame(Encoded(lines=lines or b"{}", rows=max(1, len(records))), now)[: len(records)]
