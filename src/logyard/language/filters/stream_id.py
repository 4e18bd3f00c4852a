"""``_stream_id:0000007b...``, ``_stream_id:in(a, b)``: the record's stream has this id."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

import polars as pl

from logyard.language.ast import All, Filter, ValuesFilter, component
from logyard.language.parser import Parser
from logyard.language.view import View

__all__ = ["StreamId"]

_STREAM_ID: Final = "_stream_id"
_ID: Final = re.compile(r"[0-9a-fA-F]{48}")


@component("stream_id", fields=(_STREAM_ID,))
@dataclass(frozen=True, slots=True)
class StreamId(ValuesFilter):
    """Ids of 48 hexadecimal digits."""

    name: ClassVar[str] = "in"

    @classmethod
    def parse(cls, parser: Parser, field: str) -> Filter | None:  # noqa: ARG003 - the field is known
        """An id, or a list of them, or a query for them."""
        if not parser.take("in"):
            return cls(_STREAM_ID, (_checked(parser, parser.word()),))
        found = parser.values_or_subquery()
        if found is None:
            return All()
        values, subquery = found
        return cls(_STREAM_ID, tuple(_checked(parser, value) for value in values), subquery)

    def __str__(self) -> str:
        """``_stream_id:0000007b...`` or ``_stream_id:in(...)``."""
        if self.subquery is None and len(self.values) == 1:
            return f"{self.prefix()}{self.values[0]}"
        inner = ",".join(self.values) if self.subquery is None else str(self.subquery)
        return f"{self.prefix()}in({inner})"

    def match(self, view: View) -> pl.Series:
        """One look-up a record."""
        return view.text(self.field).is_in(pl.Series(self.known_values(), dtype=pl.String).implode())


def _checked(parser: Parser, text: str) -> str:
    if not _ID.fullmatch(text):
        raise parser.fail(f"{text[:60]!r} is no stream id (48 hexadecimal digits)")
    return text.lower()
