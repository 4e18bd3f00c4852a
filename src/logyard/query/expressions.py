"""Fragments of the engine's SQL: how a value is quoted, read as a number, put in order, printed.

Values of the query language are text. The rules here are those of ``language/numbers.py`` (what reads as a
number) and of ``query/values.py`` (order and printing), which work on values in memory; tests hold the two
sides equal.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from logyard.model import timestamp
from logyard.store.mapping import literal

__all__ = [
    "EMPTY",
    "array",
    "bound",
    "conjunction",
    "float_text",
    "identifier",
    "instant_text",
    "ipv4",
    "json_array",
    "literal",
    "nanoseconds",
    "natural_order",
    "number",
    "text_of_attribute",
]

EMPTY: Final = "''"
"""The value of a missing field."""

_PLAIN: Final = r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$"
_NUMERIC_START: Final = r"^[+-]?\.?(?:[0-9]|[iI][nN][fF])"
_DECIMAL: Final = r"^(?:[+-]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?[iI][nN][fF])$"
_BASED: Final = r"^[+-]?0(?:[xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)$"
_AMOUNT: Final = r"([0-9][0-9_]*(?:\.[0-9]+)?)"
_TIME_PART: Final = _AMOUNT + "(ns|\N{MICRO SIGN}s|us|ms|s|m|h|d|w|y)"
_SIZE_PART: Final = _AMOUNT + "([KMGT]i?B?|B)"
_TIME_UNITS: Final = {
    "ns": 1, "\N{MICRO SIGN}s": 1_000, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
    "h": 3_600_000_000_000, "d": 86_400_000_000_000, "w": 604_800_000_000_000, "y": 31_536_000_000_000_000,
}  # fmt: skip
_SIZE_UNITS: Final = {
    "B": 1,
    **{letter + end: 1000**power for power, letter in enumerate("KMGT", 1) for end in ("", "B")},
    **{letter + end: 1024**power for power, letter in enumerate("KMGT", 1) for end in ("i", "iB")},
}
_IPV4: Final = r"^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$"
_LONGEST: Final = 64


def array(texts: Iterable[str]) -> str:
    """An array of string literals."""
    return f"[{', '.join(map(literal, texts))}]"


def identifier(name: str) -> str:
    """A quoted column name, any text."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`").replace("\0", "\\0")
    return f"`{escaped}`"


def conjunction(conditions: Sequence[str]) -> str:
    """``WHERE`` and the conditions, or nothing."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def nanoseconds(instant: int) -> str:
    """A point in time; what is beyond the engine's range is cut to it."""
    bounded = max(-2_208_988_800_000_000_000, min(instant, 9_223_372_036_000_000_000))
    return f"fromUnixTimestamp64Nano(toInt64({bounded}), 'UTC')"


def text_of_attribute(name: str) -> str:
    """An attribute as text: strings without quotes, null and missing as ''."""
    stored = f"attributes[{literal(name)}]"
    return f"if(startsWith({stored}, '\"'), JSONExtractString({stored}), if({stored} = 'null', '', {stored}))"


def instant_text(instant: str) -> str:
    """A DateTime64 as RFC 3339, UTC, without trailing zeros of the fraction."""
    return f"concat(replaceRegexpOne(replaceOne(toString({instant}), ' ', 'T'), '\\\\.?0+$', ''), 'Z')"


def bound(name: str, value: str, body: str) -> str:
    """``body`` with ``name`` for ``value``: an expression that is used often is analyzed once."""
    return f"arrayMap({name} -> {body}, [{value}])[1]"


def float_text(value: str) -> str:
    """A Float64 as the language prints numbers: shortest digits, never an exponent, ``NaN``, ``+Inf``."""
    exponent = "toInt32(substringIndex(s, 'e', -1))"
    digits = "replaceAll(trimLeft(substringIndex(s, 'e', 1), '-'), '.', '')"
    small = f"concat('0.', repeat('0', -{exponent} - 1), {digits})"
    large = f"concat({digits}, repeat('0', {exponent} + 1 - length({digits})))"
    spelled = f"concat(if(startsWith(s, '-'), '-', ''), if({exponent} < 0, {small}, {large}))"
    words = "transform(s, ['nan', '-nan', 'inf', '-inf', '-0'], ['NaN', 'NaN', '+Inf', '-Inf', '0'])"
    return bound("s", f"toString({value})", f"if(position(s, 'e') = 0, {words}, {spelled})")


def number(text: str) -> str:
    """The number that a text reads as, Nullable(Float64); NULL for none."""
    slow = (
        f"match({text}, {literal(_DECIMAL)}), toFloat64OrNull(replaceAll({text}, '_', '')), "
        f"match({text}, {literal(_BASED)}), {_based(text)}, "
        f"match({text}, {literal(f'^-?(?:{_TIME_PART})+$')}), {_amounts(text, _TIME_PART, _TIME_UNITS)}, "
        f"match({text}, {literal(f'^-?(?:{_SIZE_PART})+$')}), {_amounts(text, _SIZE_PART, _SIZE_UNITS)}, "
        f"match({text}, {literal(timestamp.CALENDAR)}), {_instant(text)}, "
        f"match({text}, {literal(_IPV4)}), {ipv4(text)}, NULL"
    )
    return (
        f"multiIf(match({text}, {literal(_PLAIN)}), toFloat64OrNull({text}), "
        f"length({text}) > {_LONGEST} OR NOT match({text}, {literal(_NUMERIC_START)}), NULL, {slow})"
    )


def json_array(texts: str) -> str:
    """An array of strings as JSON text, escaped as Go does."""
    quoted = f"replaceAll(replaceAll(toJSONString({texts}), '<', '\\\\u003c'), '\\'', '\\\\u0027')"
    return f"replaceAll({quoted}, '\\\\/', '/')"


def natural_order(text: str) -> str:
    """What to sort by: nothing first, then numbers by size, then texts with the numbers inside them by size.

    Texts with digits cost 3 us each, all others a twentieth of that.
    """
    padded = f"replaceRegexpAll({text}, '([0-9]+)', '00000000000000000000\\\\1')"
    natural = f"replaceRegexpAll({padded}, '[0-9]*([0-9]{{20}})', '\\\\1')"
    size = number(text)
    key = f"multiIf(isNotNull({size}), '', match({text}, '[0-9]'), {natural}, {text})"
    return f"({text} != '', ifNull({size}, inf), {key}, {text})"


def _amounts(text: str, part: str, units: dict[str, int]) -> str:
    """The sum of ``1h30m``, whole nanoseconds or bytes part by part, at most 2^63-1."""
    names, sizes = array(units), ", ".join(map(str, units.values()))
    each = f"trunc(toFloat64(replaceAll(p[1], '_', '')) * transform(p[2], {names}, [{sizes}], 0))"
    total = f"arraySum(p -> {each}, extractAllGroupsVertical({text}, {literal(part)}))"
    return f"least({total}, 9223372036854775807.) * if(startsWith({text}, '-'), -1, 1)"


def _based(text: str) -> str:
    """``0x1F``, ``0b101``, ``0o17``: digit by digit."""
    bare = f"lower(replaceRegexpOne({text}, '^[+-]?0', ''))"
    base = f"transform(substring({bare}, 1, 1), ['x', 'b', 'o'], [16, 2, 8], 10)"
    digits = f"ngrams(substring({bare}, 2), 1)"
    step = f"sum * {base} + position('0123456789abcdef', d) - 1"
    value = f"arrayFold((sum, d) -> {step}, {digits}, toFloat64(0))"
    return f"{value} * if(startsWith({text}, '-'), -1, 1)"


def _instant(text: str) -> str:
    found = f"parseDateTime64BestEffortOrNull(upper(replaceOne({text}, ',', '.')), 9, 'UTC')"
    return f"toFloat64(toUnixTimestamp64Nano({found}))"


def ipv4(text: str) -> str:
    """An address as its 32 bits, Nullable(Float64); NULL for what is more or less than an address."""
    groups = f"arrayMap(p -> toUInt32(p), extractGroups({text}, {literal(_IPV4)}))"
    address = "arrayFold((sum, p) -> sum * 256 + p, g, toFloat64(0))"
    return bound("g", groups, f"if(empty(g) OR arrayExists(p -> p > 255, g), NULL, {address})")
