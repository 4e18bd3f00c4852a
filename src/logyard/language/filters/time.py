"""``_time:5m``, ``_time:2024-05``, ``_time:[2024-05-01, now)``, ``_time:>=2024Z offset 1h``: when it was."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.language.ast import Filter, component
from logyard.language.parser import Parser
from logyard.language.quoting import quote_literal
from logyard.language.times import EARLIEST, LATEST, Span, bounded, is_absolute, parse_time
from logyard.language.view import View

__all__ = ["Time"]

_TIME: Final = "_time"


@component("time", fields=(_TIME,))
@dataclass(frozen=True, slots=True)
class Time(Filter):
    """``text`` as written, and what it means when asked: ``minimum`` to ``maximum``, nanoseconds."""

    text: str
    minimum: int
    maximum: int

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Time | None":  # noqa: ARG003 - the field is known
        """All but ``day_range`` and ``week_range``."""
        if parser.at("day_range", "week_range"):
            return None
        if parser.at("offset"):
            text, span = "", (EARLIEST, parser.now)
        else:
            text, span = _bounds(parser)
        if parser.take("offset"):
            offset, offset_text = parser.duration()
            text = f"{text} offset {offset_text}".strip()
            span = _shifted(span, offset)
        return cls(text, *span)

    def __str__(self) -> str:
        """``_time:`` and the text."""
        return f"{_TIME}:{self.text}"

    def fields(self) -> frozenset[str]:
        """The time."""
        return frozenset({_TIME})

    def match(self, view: View) -> pl.Series:
        """By nanoseconds; a record without a time is outside."""
        return view.time().is_between(self.minimum, self.maximum).fill_null(value=False)


def _shifted(span: Span, offset: int) -> Span:
    start, end = span
    return start if start == EARLIEST else bounded(start - offset), bounded(end - offset)


def _bounds(parser: Parser) -> tuple[str, Span]:
    if parser.at("[", "("):
        return _interval(parser)
    sign = parser.advance().text if parser.at("<", ">", "=") else ""
    if sign in {"<", ">"} and parser.take("="):
        sign += "="
    if is_absolute(parser.token.text):
        text, span = _point(parser)
        return sign + quote_literal(text), _compared(sign, span)
    duration, text = parser.duration()
    return sign + text, _ago(sign, abs(duration), parser.now)


def _interval(parser: Parser) -> tuple[str, Span]:
    opening = parser.advance().text
    start_text, (start, _) = _point(parser)
    parser.expect(",")
    end_text, (end, end_included) = _point(parser)
    closing = parser.expect("]", ")").text
    span = (start + (opening == "("), end_included if closing == "]" else end - 1)
    return f"{opening}{quote_literal(start_text)},{quote_literal(end_text)}{closing}", span


def _compared(sign: str, span: Span) -> Span:
    start, end = span
    bounds = {
        ">": (start + 1, LATEST),
        ">=": (start, LATEST),
        "<": (EARLIEST, start - 1),
        "<=": (EARLIEST, end),
    }
    return bounds.get(sign, span)


def _ago(sign: str, duration: int, now: int) -> Span:
    """``<5m``: younger than that; ``>5m``: older."""
    start = bounded(now - duration)
    bounds = {">": (EARLIEST, start - 1), ">=": (EARLIEST, start), "<": (start + 1, now)}
    return bounds.get(sign, (start, now))


def _point(parser: Parser) -> tuple[str, Span]:
    at = parser.token
    text = parser.word()
    span = parse_time(text, parser.now)
    if span is None:
        raise parser.fail(f"{text[:60]!r} is no time such as 2024-05-31T10:20Z or now-5m", at=at)
    return text, span
