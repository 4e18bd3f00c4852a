"""Which file a record belongs to: a path with places for the time and for fields.

    /archive/{service}/%Y-%m-%d.jsonl

``%Y %m %d %H %M`` are of the record's own time, UTC; ``{service}``, ``{host}``, ``{source}``, ``{level}`` are what the
record says, whatever it says: a name in the file system is made of it that leads nowhere else.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from logyard.errors import BadConfig

__all__ = ["STAMP", "Paths"]

STAMP: Final = r"\d{8}T\d{6}\.\d{6}Z"
"""When a file was complete, in its name."""

_FIELDS: Final = ("service", "host", "source", "level")
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_PLACE: Final = re.compile(r"%[YmdHM]|\{[^{}]*\}")
_LONGEST: Final = 100


class Paths:
    """Compiled once. Any thread."""

    def __init__(self, template: str) -> None:
        """Raises ``BadConfig``."""
        unknown = [name for name in _FIELD.findall(template) if name not in _FIELDS]
        if unknown or re.search(r"%(?![YmdHM])", template) or not template or template.endswith("/"):
            raise BadConfig(f"{template!r} is no path of a file; it may hold %Y %m %d %H %M and {_FIELDS}", path="path")
        self._template = template
        self._pieces = re.split(r"(\{[^{}]*\})", template)
        self.single = template if _PLACE.search(template) is None else ""
        """The path when it is always the same; "" when it is not."""
        before = _PLACE.split(template)[0]
        self.root = Path(before).parent if self.single or not before.endswith("/") else Path(before)
        """The directory that all files are in, or below."""

    def complete(self) -> re.Pattern[str]:
        """What the paths of complete files look like (``archive.py``), theirs and nobody else's."""
        ending = Path(self._template).suffix
        stem = self._template.removesuffix(ending)
        return re.compile(rf"{_pattern(stem)}-{STAMP}{_pattern(ending)}(?P<packed>\.gz|\.zst)?")

    def split(self, frame: pl.DataFrame, lines: pl.Series) -> Mapping[str, bytes]:
        """The lines of each file, each with its LF; ``lines`` is one for each record."""
        path = pl.concat_str([_expression(piece) for piece in self._pieces if piece]).alias("path")
        table = frame.select(path).with_columns(lines.alias("line"))
        files = table.group_by("path", maintain_order=True).agg(pl.col("line").str.join("\n"))
        return {name: f"{text}\n".encode() for name, text in files.iter_rows()}


def _pattern(template: str) -> str:
    pieces = re.split(r"(%[YmdHM]|\{[^{}]*\})", template)
    digits = {"%Y": r"\d{4}", **dict.fromkeys(("%m", "%d", "%H", "%M"), r"\d{2}")}
    return "".join("[^/]+" if piece.startswith("{") else digits.get(piece, re.escape(piece)) for piece in pieces)


def _expression(piece: str) -> pl.Expr:
    if not piece.startswith("{"):
        return pl.col("timestamp").dt.strftime(piece) if "%" in piece else pl.lit(piece)
    name = pl.col(piece[1:-1]).str.replace_all(r"[^A-Za-z0-9._-]+", "_").str.strip_chars("._").str.slice(0, _LONGEST)
    return pl.when(name == "").then(pl.lit("none")).otherwise(name)
