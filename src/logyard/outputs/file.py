"""To files: JSON lines or text, each record exactly once, rotated, packed, kept for a while (``appending/``)."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from logyard.errors import BadConfig
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.appending.appender import Appender, Texts
from logyard.outputs.appending.archive import Rotation
from logyard.outputs.appending.paths import Paths
from logyard.outputs.rendering.canonical import canonical
from logyard.outputs.rendering.lines import Form, json_lines, raw_lines
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["File", "FileConfig"]


class FileConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files."""

    path: str
    """May hold ``%Y %m %d %H %M`` of the record's time (UTC) and ``{service}``, ``{host}``, ``{source}``, ``{level}``.
    No other program, and no other output, may write to these files."""
    format: Literal["json", "text"] = "json"
    """json: an object a line; text: lines as they came, and of records that steps have looked into, or that go to
    several files, the messages."""
    records: Form = "canonical"
    """canonical: under our names of the fields, times and levels normalised; sent: as their sender wrote them, for one
    single path."""
    rotation: Rotation = Rotation()
    """When a file is complete, and what then."""


_EXAMPLE = """\
path = "/archive/{service}/%Y-%m-%d.json"
rotation = { bytes = 100_000_000, compression = "gzip", keep_days = 30 }
"""


@component("file", config=FileConfig, example=_EXAMPLE)
class File:
    """Files, by time, service, host, source or level; rotated, packed and kept for a while."""

    def __init__(self, config: FileConfig) -> None:
        """Raises ``BadConfig``."""
        self._paths = Paths(config.path)
        if config.records == "sent" and not self._paths.single:
            raise BadConfig("records as sent go to one single path", path="records")
        self._config = config
        self._appender = Appender(self._paths, config.rotation)

    async def open(self, place: Place) -> None:
        """Read what was added before."""
        await self._appender.open(place)

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when they are in the files, durably and once."""
        await self._appender.add(batches, self._texts)
        return ()

    async def close(self) -> None:
        """Close the files."""
        await self._appender.close()

    def used_bytes(self) -> float:
        """Disk that the complete files use."""
        return self._appender.used_bytes()

    def _texts(self, batches: Sequence[Batch]) -> Texts:
        text, single = self._config.format == "text", self._paths.single
        if single:
            return {single: (raw_lines(batches) if text else json_lines(batches, self._config.records)) + b"\n"}
        frame = joined(batches)
        lines = frame["message"].str.replace_all("\n", " ", literal=True) if text else canonical(frame)
        return self._paths.split(frame, lines)
