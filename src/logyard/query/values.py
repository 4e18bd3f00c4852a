"""Values in memory: how they are ordered and printed. The engine's side of the same rules is ``expressions.py``."""

import math
import re
from collections.abc import Iterable
from typing import Final

import msgspec
import polars as pl

from logyard.language.numbers import numbers, parse_number

__all__ = ["Order", "float_text", "go_json", "natural", "natural_columns", "order"]

Order = tuple[bool, float, str, str]
"""Sorts as ``expressions.natural_order``."""

_DIGITS: Final = re.compile("[0-9]+")
_WIDTH: Final = 20


def order(text: str) -> Order:
    """What to sort a value by: nothing first, then numbers by size, then texts with the numbers in them by size."""
    size = parse_number(text)
    return (bool(text), math.inf, natural(text), text) if size is None else (bool(text), size, "", text)


def natural(text: str) -> str:
    """Every run of digits at the same width, so that ``a10`` comes after ``a9``."""
    return _DIGITS.sub(lambda found: found[0].zfill(_WIDTH)[-_WIDTH:], text)


def natural_columns(name: str) -> list[pl.Expr]:
    """``order`` for a column of texts, as expressions to sort a frame by."""
    text = pl.col(name)
    size = text.map_batches(numbers, return_dtype=pl.Float64)
    padded = text.str.replace_all("([0-9]+)", "0" * _WIDTH + "${1}")
    return [
        text != "",
        size.fill_null(math.inf),
        pl.when(size.is_null())
        .then(padded.str.replace_all(f"[0-9]*([0-9]{{{_WIDTH}}})", "${1}"))
        .otherwise(pl.lit("")),
        text,
    ]


def float_text(value: float) -> str:
    """Shortest digits, never an exponent: ``2.5``, ``100``, ``NaN``, ``+Inf``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" in text:
        text = _without_exponent(text)
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def go_json(values: Iterable[str]) -> str:
    """A JSON array of texts as Go prints it: ``'`` and ``<`` as escapes."""
    return f"[{','.join(map(go_quoted, values))}]"


def go_quoted(text: str) -> str:
    """A JSON string as Go prints it."""
    quoted = msgspec.json.encode(text).decode()
    for mark in "'<":
        quoted = quoted.replace(mark, f"\\u{ord(mark):04x}")
    return quoted


def _without_exponent(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.removeprefix("-").partition("e")
    exponent, digits = int(power), mantissa.replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return f"{sign}{digits}{'0' * (exponent + 1 - len(digits))}"
