"""``field:range[1, 10KiB)``: the value is a number between two others; ``[`` and ``]`` include the end."""

import math
from dataclasses import dataclass

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.numbers import parse_number
from logyard.language.parser import Parser
from logyard.language.quoting import quote_literal
from logyard.language.view import View

__all__ = ["Range"]


@component("range", words=("range",))
@dataclass(frozen=True, slots=True)
class Range(FieldFilter):
    """The numbers as written, between ``opening``, ``[`` or ``(``, and ``closing``, ``]`` or ``)``."""

    opening: str
    lower: str
    upper: str
    closing: str

    @property
    def minimum(self) -> float:
        """The smallest number inside."""
        number = parse_number(self.lower) or 0.0
        return number if self.opening == "[" or math.isinf(number) else math.nextafter(number, math.inf)

    @property
    def maximum(self) -> float:
        """The largest number inside."""
        number = parse_number(self.upper) or 0.0
        return number if self.closing == "]" or math.isinf(number) else math.nextafter(number, -math.inf)

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Range | None":
        """``range(1, 10]``."""
        if not parser.at("(", "["):
            return None
        opening = parser.advance().text
        _, lower = parser.number()
        parser.expect(",")
        _, upper = parser.number()
        return cls(field, opening, lower, upper, parser.expect(")", "]").text)

    def __str__(self) -> str:
        """``field:range[1, 10KiB)``."""
        bounds = f"{quote_literal(self.lower)}, {quote_literal(self.upper)}"
        return f"{self.prefix()}range{self.opening}{bounds}{self.closing}"

    def match(self, view: View) -> pl.Series:
        """Values that are no numbers are outside."""
        return view.numbers(self.field).is_between(self.minimum, self.maximum).fill_null(value=False)
