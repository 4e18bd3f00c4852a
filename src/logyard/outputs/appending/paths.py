"""Which file a record belongs to: a path with places for the time and for fields.

    /archive/{service}/%Y-%m-%d.jsonl

Whatever a field says, a name in the file system is made of it that leads nowhere else (``rendering/template.py``).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from logyard.errors import BadConfig
from logyard.outputs.rendering.template import Template, pieces

__all__ = ["STAMP", "Paths"]

STAMP: Final = r"\d{8}T\d{6}\.\d{6}Z"
"""When a file was complete, in its name."""


class Paths:
    """Compiled once. Any thread."""

    def __init__(self, template: str) -> None:
        """Raises ``BadConfig``."""
        if not template or template.endswith("/"):
            raise BadConfig(f"{template!r} is no path of a file", path="path")
        self._text = str(Path(template))
        self._template = Template(self._text, path="path", dots=True)
        parts = pieces(self._text)
        self.single = self._text if not any(map(_is_place, parts)) else ""
        """The path when it is always the same; "" when it is not."""
        before = "" if _is_place(parts[0]) else parts[0]
        self.root = Path(before).parent if self.single or not before.endswith("/") else Path(before)
        """The directory that all files are in, or below."""

    def complete(self) -> re.Pattern[str]:
        """What the paths of complete files look like (``archive.py``), theirs and nobody else's."""
        ending = Path(self._text).suffix
        before, after = ("".join(map(_pattern, pieces(text))) for text in (self._text.removesuffix(ending), ending))
        return re.compile(rf"{before}-{STAMP}{after}(?P<packed>\.gz|\.zst)?")

    def split(self, frame: pl.DataFrame, lines: pl.Series) -> Mapping[str, bytes]:
        """The lines of each file, each with its LF; ``lines`` is one for each record."""
        table = pl.DataFrame({"path": self._template.of(frame), "line": lines})
        files = table.group_by("path", maintain_order=True).agg(pl.col("line").str.join("\n"))
        return {name: f"{text}\n".encode() for name, text in files.iter_rows()}


def _is_place(piece: str) -> bool:
    return piece.startswith("{") or re.fullmatch("%[YmdHM]", piece) is not None


def _pattern(piece: str) -> str:
    if piece.startswith("{"):
        return "[^/]+"
    if _is_place(piece):
        return r"\d{4}" if piece == "%Y" else r"\d{2}"
    return re.escape(piece)
