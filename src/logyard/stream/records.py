"""The watch that wants every record of every tenant, as its sender wrote it: what Redis gets."""

from collections.abc import Callable
from typing import Final

import msgspec

from logyard.formats.json import lines as json_lines
from logyard.stream.chunk import Chunk, Load
from logyard.types import LogId

__all__ = ["RecordsWatch"]

_ENCODE: Final = msgspec.json.Encoder().encode


class RecordsWatch:
    """All records with the keys they came with, and ``log_id``; the services beside them."""

    key = "records"
    tenant = None

    def __init__(self, show_id: Callable[[LogId], str]) -> None:
        """``show_id`` is ``LogIds.text``."""
        self._show_id = show_id

    def answer(self, load: Load) -> Chunk:
        """Every row of the load."""
        ids = load.ids()
        records = zip(json_lines.records(load.frame), ids, strict=True)
        lines = [_ENCODE(record | {"log_id": self._show_id(log_id)}) for record, log_id in records]
        return Chunk(ids=ids, lines=lines, services=load.frame["service"].to_list())
