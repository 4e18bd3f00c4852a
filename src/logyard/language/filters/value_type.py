"""``field:value_type(uint8)``: how VictoriaLogs would store the field's column of these records as a whole.

Of use only for queries that were written for VictoriaLogs: the answer depends on which records are looked at
together.
"""

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.numbers import parse_ipv4
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["ValueType", "value_type"]

_DICTIONARY_VALUES: Final = 8
_DICTIONARY_BYTES: Final = 256
_CONSTANT_BYTES: Final = 256
_UNSIGNED: Final = (("uint8", 8), ("uint16", 16), ("uint32", 32), ("uint64", 64))
_PATTERNS: Final = (
    ("int64", re.compile(r"-?(?:0|[1-9]\d{0,18})", re.ASCII)),
    ("float64", re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)),
    ("iso8601", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)),
)
_UINT: Final = re.compile(r"0|[1-9]\d{0,19}", re.ASCII)


@component("value_type", words=("value_type",))
@dataclass(frozen=True, slots=True)
class ValueType(FieldFilter):
    """The name of a type: const, dict, string, uint8 to uint64, int64, float64, ipv4, iso8601."""

    type: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "ValueType | None":
        """One argument."""
        if not parser.at("("):
            return None
        values = parser.arguments()
        if len(values) != 1:
            raise parser.fail(f"value_type() takes 1 value, not {len(values)}")
        return cls(field, values[0])

    def __str__(self) -> str:
        """``field:value_type(uint8)``."""
        return f"{self.prefix()}value_type({quote_if_needed(self.type)})"

    def match(self, view: View) -> pl.Series:
        """All records of the view, or none."""
        return view.constant(value=value_type(view.text(self.field)) == self.type)


def value_type(values: pl.Series) -> str:
    """The type of a column with these values; "" where none has one."""
    unique = values.unique().to_list()
    if unique in ([], [""]):
        return ""
    size = sum(len(text.encode()) for text in unique)
    if len(unique) == 1 and size <= _CONSTANT_BYTES:
        return "const"
    if len(unique) <= _DICTIONARY_VALUES and size <= _DICTIONARY_BYTES:
        return "dict"
    if all(map(_UINT.fullmatch, unique)):
        largest = max(map(int, unique))
        return next((name for name, bits in _UNSIGNED if largest < 1 << bits), "string")
    if all(parse_ipv4(text) is not None for text in unique):
        return "ipv4"
    return next((name for name, pattern in _PATTERNS if all(map(pattern.fullmatch, unique))), "string")
