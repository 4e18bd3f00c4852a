"""To one file of JSON lines, ``collected_logs/collected.jsonl``: what a collector writes that nothing is behind."""

from collections.abc import Sequence
from typing import Final

import msgspec

from logyard.errors import BadConfig
from logyard.model.batch import Batch
from logyard.outputs.appending.appender import Appender
from logyard.outputs.appending.archive import Rotation
from logyard.outputs.appending.paths import Paths
from logyard.outputs.rendering.lines import Form, json_lines
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["JsonLinesConfig", "JsonLinesFile"]

_PATH: Final = "collected_logs/collected.jsonl"


class JsonLinesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file."""

    path: str = _PATH
    """No other program, and no other output, may write to it."""
    records: Form = "canonical"
    """canonical: under our names of the fields, times and levels normalised; sent: as their sender wrote them."""


@component("jsonl", config=JsonLinesConfig, example=f'path = "{_PATH}"\n')
class JsonLinesFile:
    """One file of JSON lines."""

    def __init__(self, config: JsonLinesConfig) -> None:
        """Raises ``BadConfig``."""
        paths = Paths(config.path)
        if not paths.single:
            raise BadConfig("one single path; an output of type file takes others", path="path")
        self._path = paths.single
        self._form = config.records
        self._appender = Appender(paths, Rotation())

    async def open(self, place: Place) -> None:
        """Read what was added before."""
        await self._appender.open(place)

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when they are in the file, durably and once."""
        path, form = self._path, self._form
        await self._appender.add(batches, lambda new: {path: json_lines(new, form) + b"\n"})
        return ()

    async def close(self) -> None:
        """Close the file."""
        await self._appender.close()
