"""``field:>10``, ``field:<=1.5MiB``, ``field:>=abc``: numbers by size, other texts by their bytes."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.numbers import parse_number
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed, quote_literal
from logyard.language.view import View

__all__ = ["Comparison"]

_OPERATORS: Final[dict[str, Callable[[pl.Series, float | str], pl.Series]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@component("comparison", words=("<", ">"))
@dataclass(frozen=True, slots=True)
class Comparison(FieldFilter):
    """``operator`` is one of ``< <= > >=``; ``value`` is the text as written."""

    operator: str
    value: str

    @property
    def number(self) -> float | None:
        """The value as a number: then only numbers match. None: texts are compared, "" too."""
        return parse_number(self.value)

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Comparison | None":
        """``>10``, ``>=10``."""
        sign = parser.previous.text if parser.previous is not None else ""
        if not parser.token.spaced and parser.take("="):
            sign += "="
        return cls(field, sign, parser.word())

    def __str__(self) -> str:
        """``field:>=10``."""
        value = quote_if_needed(self.value) if self.number is None else quote_literal(self.value)
        return f"{self.prefix()}{self.operator}{value}"

    def match(self, view: View) -> pl.Series:
        """Numbers by size where the value is one, else texts by their bytes."""
        compare = _OPERATORS[self.operator]
        if self.number is None:
            return compare(view.text(self.field), self.value)
        return compare(view.numbers(self.field), self.number).fill_null(value=False)
