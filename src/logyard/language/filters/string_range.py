"""``field:string_range(a, b)``: the text is at least ``a`` and below ``b``, by its bytes."""

from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["StringRange"]


@component("string_range", words=("string_range",))
@dataclass(frozen=True, slots=True)
class StringRange(FieldFilter):
    """``lower`` is inside, ``upper`` is not."""

    lower: str
    upper: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "StringRange | None":
        """Two arguments."""
        if not parser.at("("):
            return None
        values = parser.arguments()
        if len(values) != 2:  # noqa: PLR2004 - a range has two ends
            raise parser.fail(f"string_range() takes 2 values, not {len(values)}")
        return cls(field, *values)

    def __str__(self) -> str:
        """``field:string_range(a, b)``."""
        return f"{self.prefix()}string_range({quote_if_needed(self.lower)}, {quote_if_needed(self.upper)})"

    def match(self, view: View) -> pl.Series:
        """Polars, too, compares texts by their bytes."""
        return view.text(self.field).is_between(self.lower, self.upper, closed="left")
