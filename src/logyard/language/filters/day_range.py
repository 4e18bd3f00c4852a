"""``_time:day_range[08:00, 18:00) offset 2h``: at what time of the day it happened."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import Filter, component
from logyard.language.parser import Parser
from logyard.language.times import DAY, parse_clock
from logyard.language.view import View

__all__ = ["DayRange"]

_TIME: Final = "_time"


@component("day_range", fields=(_TIME,))
@dataclass(frozen=True, slots=True)
class DayRange(Filter):
    """``text`` as written; ``start`` and ``end`` are nanoseconds of the day, both inside.

    ``offset``, nanoseconds, is taken from each time before.
    """

    text: str
    start: int
    end: int
    offset: int = 0

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "DayRange | None":  # noqa: ARG003 - the field is known
        """``day_range[hh:mm, hh:mm]``."""
        if not parser.take("day_range"):
            return None
        opening = parser.expect("[", "(").text
        start_text, start = _clock(parser)
        parser.expect(",")
        end_text, end = _clock(parser)
        closing = parser.expect("]", ")").text
        text = f"{opening}{start_text}, {end_text}{closing}"
        offset = 0
        if parser.take("offset"):
            offset, offset_text = parser.duration()
            text += f" offset {offset_text}"
        return cls(text, start + (opening == "("), (end - (closing == ")")) % DAY, offset)

    def __str__(self) -> str:
        """``_time:day_range`` and the text."""
        return f"{_TIME}:day_range{self.text}"

    def fields(self) -> frozenset[str]:
        """The time."""
        return frozenset({_TIME})

    def match(self, view: View) -> pl.Series:
        """By nanoseconds of the day."""
        return ((view.time() - self.offset) % DAY).is_between(self.start, self.end).fill_null(value=False)


def _clock(parser: Parser) -> tuple[str, int]:
    at = parser.token
    text = parser.word()
    clock = parse_clock(text)
    if clock is None:
        raise parser.fail(f"{text[:60]!r} is no time of the day such as 08:30", at=at)
    return text, clock
