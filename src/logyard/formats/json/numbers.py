"""The text of a JSON number as the engine writes it: ECMAScript's way, but for what ``frame`` says."""

from typing import Final

__all__ = ["number_text"]

_PLAIN: Final = (1e-6, 1e21)
"""Magnitudes between which ECMAScript writes no exponent."""


def number_text(number: str) -> str:
    """The text of a JSON number as the engine writes it."""
    if number.lstrip("-").isdigit():
        return "0" if number == "-0" else number
    value = float(number)
    if value == 0:
        return "-0" if number.startswith("-") else "0"
    if _PLAIN[0] <= abs(value) < _PLAIN[1]:
        return _plain(repr(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _plain(text: str) -> str:
    """Python's ``1e-05`` and ``1.5e+17`` without their exponent."""
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text.removesuffix(".0")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits, shift = whole + fraction, int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{digits}"
    return sign + digits.ljust(shift + 1, "0")
