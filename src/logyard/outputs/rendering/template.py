"""A name with places for the time and for fields: of a file, an index, a topic, a subject, a key.

``%Y %m %d %H %M`` are of the record's own time, UTC; ``{service}``, ``{host}``, ``{source}``, ``{level}`` are what the
record says, cut down to letters, digits, ``_`` and ``-``, and a dot where that is harmless.
"""

import re
from typing import Final

import polars as pl

from logyard.errors import BadConfig

__all__ = ["Template", "pieces"]

_FIELDS: Final = ("service", "host", "source", "level")
_LONGEST: Final = 100


class Template:
    """Compiled once. Any thread."""

    def __init__(self, text: str, *, path: str, lower: bool = False, dots: bool = False) -> None:
        """``path``: the setting it stands in. ``lower``: fields in lower case. Raises ``BadConfig``."""
        unknown = [name for name in re.findall(r"\{([^{}]*)\}", text) if name not in _FIELDS]
        if unknown or not text or re.search(r"%(?![YmdHM])", text) or '"' in text or "\\" in text:
            raise BadConfig(f"{text!r} is no name; it may hold %Y %m %d %H %M and {_FIELDS}", path=path)
        self._lower = lower
        self._odd = r"[^A-Za-z0-9._-]+" if dots else r"[^A-Za-z0-9_-]+"
        self._pieces = pieces(text)

    def of(self, frame: pl.DataFrame) -> pl.Series:
        """The name for each record."""
        made = frame.select(pl.concat_str([self._expression(piece) for piece in self._pieces])).to_series()
        return made if made.len() == frame.height else made.new_from_index(0, frame.height)

    def _expression(self, piece: str) -> pl.Expr:
        if not piece.startswith("{"):
            return pl.col("timestamp").dt.strftime(piece) if piece.startswith("%") else pl.lit(piece)
        field = pl.col(piece[1:-1])
        field = field.str.to_lowercase() if self._lower else field
        name = field.str.replace_all(self._odd, "_").str.strip_chars("._-").str.slice(0, _LONGEST)
        return pl.when(name == "").then(pl.lit("none")).otherwise(name)


def pieces(text: str) -> list[str]:
    """The places in a template, and what is between them."""
    return [piece for piece in re.split(r"(%[YmdHM]|\{[^{}]*\})", text) if piece]
