"""``_time:week_range[Mon, Fri] offset 2h``: on which day of the week it happened."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import Filter, component
from logyard.language.parser import Parser
from logyard.language.times import DAY, parse_weekday
from logyard.language.view import View

__all__ = ["WeekRange"]

_TIME: Final = "_time"
_WEEK: Final = 7
_THURSDAY: Final = 4
"""The day of the Unix epoch."""


@component("week_range", fields=(_TIME,))
@dataclass(frozen=True, slots=True)
class WeekRange(Filter):
    """``text`` as written; ``start`` and ``end`` are days, 0 for Sunday, both inside.

    A range does not go on after Saturday.

    ``offset``, nanoseconds, is taken from each time before.
    """

    text: str
    start: int
    end: int
    offset: int = 0

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "WeekRange | None":  # noqa: ARG003 - the field is known
        """``week_range[Mon, Fri]``."""
        if not parser.take("week_range"):
            return None
        opening = parser.expect("[", "(").text
        start_text, start = _weekday(parser)
        parser.expect(",")
        end_text, end = _weekday(parser)
        closing = parser.expect("]", ")").text
        text = f"{opening}{start_text}, {end_text}{closing}"
        offset = 0
        if parser.take("offset"):
            offset, offset_text = parser.duration()
            text += f" offset {offset_text}"
        return cls(text, (start + (opening == "(")) % _WEEK, (end - (closing == ")")) % _WEEK, offset)

    def __str__(self) -> str:
        """``_time:week_range`` and the text."""
        return f"{_TIME}:week_range{self.text}"

    def fields(self) -> frozenset[str]:
        """The time."""
        return frozenset({_TIME})

    def match(self, view: View) -> pl.Series:
        """By the days since the epoch."""
        day = ((view.time() - self.offset) // DAY + _THURSDAY) % _WEEK
        return day.is_between(self.start, self.end).fill_null(value=False)


def _weekday(parser: Parser) -> tuple[str, int]:
    at = parser.token
    text = parser.word()
    day = parse_weekday(text)
    if day is None:
        raise parser.fail(f"{text[:60]!r} is no day such as Mon or monday", at=at)
    return text, day
