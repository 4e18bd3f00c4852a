"""``field:ipv4_range(10.0.0.0/8)``, ``ipv4_range(1.2.3.4, 5.6.7.8)``: the value is an IPv4 address in it."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import FieldFilter, component
from logyard.language.numbers import format_ipv4, parse_ipv4
from logyard.language.parser import Parser
from logyard.language.view import View

__all__ = ["Ipv4Range"]

_BITS: Final = 32
_BYTE: Final = r"(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_ADDRESS: Final = rf"^{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}$"


@component("ipv4_range", words=("ipv4_range",))
@dataclass(frozen=True, slots=True)
class Ipv4Range(FieldFilter):
    """Addresses as 32-bit numbers, both inside."""

    minimum: int
    maximum: int

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Ipv4Range | None":
        """An address, a network, or two addresses."""
        if not parser.at("("):
            return None
        at = parser.token
        values = parser.arguments()
        if len(values) == 1:
            bounds = _network(values[0])
        else:
            bounds = [address for value in values if (address := parse_ipv4(value)) is not None]
        if len(values) not in {1, 2} or len(bounds) != 2:  # noqa: PLR2004 - a range has two ends
            raise parser.fail("ipv4_range() takes an address, a network such as 10.0.0.0/8, or two addresses", at=at)
        return cls(field, *bounds)

    def __str__(self) -> str:
        """``field:ipv4_range(1.2.3.4, 5.6.7.8)``."""
        return f"{self.prefix()}ipv4_range({format_ipv4(self.minimum)}, {format_ipv4(self.maximum)})"

    def match(self, view: View) -> pl.Series:
        """A value that is more or less than an address is outside."""
        parts = view.text(self.field).str.extract_groups(_ADDRESS).struct.unnest().cast(pl.Int64)
        address = sum((parts[:, index] * 256 ** (3 - index) for index in range(4)), pl.Series([0]))
        return address.is_between(self.minimum, self.maximum).fill_null(value=False)


def _network(text: str) -> list[int]:
    """First and last address of ``1.2.3.4/20`` or ``1.2.3.4``; nothing for other text."""
    address_text, _, bits_text = text.partition("/")
    address = parse_ipv4(address_text)
    bits = int(bits_text) if bits_text.isdecimal() and len(bits_text) <= 2 else -1  # noqa: PLR2004 - 0 to 32
    if "/" not in text:
        bits = _BITS
    if address is None or not 0 <= bits <= _BITS:
        return []
    hosts = (1 << (_BITS - bits)) - 1
    return [address & ~hosts, address | hosts]
