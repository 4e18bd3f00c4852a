"""``field:len_range(5, 10)``: the value has so many characters, both ends inside."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.numbers import parse_integer
from logyard.language.parser import Parser
from logyard.language.view import View

__all__ = ["LenRange"]

_LARGEST: Final = (1 << 32) - 1
"""More characters than a value can have."""


@component("len_range", words=("len_range",))
@dataclass(frozen=True, slots=True)
class LenRange(FieldFilter):
    """Numbers of characters (code points)."""

    minimum: int
    maximum: int

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "LenRange | None":
        """Two whole numbers; ``inf`` is one."""
        if not parser.at("("):
            return None
        at = parser.token
        bounds = [parse_integer(text) for text in parser.arguments()]
        match bounds:
            case [int(minimum), int(maximum)]:
                return cls(field, min(minimum, _LARGEST), min(maximum, _LARGEST))
            case _:
                raise parser.fail("len_range() takes 2 whole numbers", at=at)

    def __str__(self) -> str:
        """``field:len_range(5, 10)``."""
        return f"{self.prefix()}len_range({self.minimum}, {'inf' if self.maximum == _LARGEST else self.maximum})"

    def match(self, view: View) -> pl.Series:
        """A missing field has none."""
        return view.text(self.field).str.len_chars().is_between(self.minimum, self.maximum)
