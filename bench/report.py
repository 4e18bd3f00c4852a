"""What a run found: a table for people, one JSON object as the last line for programs.

A figure with a bound is judged by its ratio to that bound; a figure without is there to be read beside the others.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["Bound", "Figure", "as_json", "at_least", "at_most", "figure", "table"]


@dataclass(frozen=True, slots=True)
class Bound:
    """What the issue asks for."""

    side: Literal["at least", "at most"]
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured."""

    measure: str
    what: str
    value: float
    unit: str
    bound: Bound | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure over its bound."""
        return self.value / self.bound.value if self.bound and self.bound.value else None

    @property
    def verdict(self) -> Literal["", "holds", "MISSED"]:
        """Whether the bound holds."""
        if self.bound is None:
            return ""
        holds = self.value >= self.bound.value if self.bound.side == "at least" else self.value <= self.bound.value
        return "holds" if holds else "MISSED"


def at_least(value: float) -> Bound:
    """A bound from below."""
    return Bound("at least", value)


def at_most(value: float) -> Bound:
    """A bound from above."""
    return Bound("at most", value)


def figure(name: tuple[str, str], value: float, unit: str, bound: Bound | None = None, *, note: str = "") -> Figure:
    """``name`` is the measure and what it found."""
    return Figure(*name, value, unit, bound, note)


def table(figures: Iterable[Figure]) -> str:
    """Columns: measure, what, value, bound, ratio to the bound, verdict, note."""
    heads = ("measure", "what", "value", "bound", "ratio", "verdict", "note")
    rows = [heads, *(_row(each) for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    texts = [
        "  ".join(_padded(cell, width, at) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    texts.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text.rstrip() for text in texts)


def as_json(figures: Sequence[Figure], about: dict[str, object], broken: dict[str, str]) -> str:
    """One line. ``about`` says what was run; ``broken`` names the measures that could not be taken, and why."""
    found = [asdict(each) | {"ratio": each.ratio, "verdict": each.verdict} for each in figures]
    missed = [f"{each.measure}: {each.what}" for each in figures if each.verdict == "MISSED"]
    return json.dumps({**about, "missed": missed, "broken": broken, "figures": found})


def _row(each: Figure) -> tuple[str, ...]:
    bound = f"{each.bound.side} {_number(each.bound.value)}" if each.bound else ""
    ratio = f"{each.ratio:.2f}" if each.ratio is not None else ""
    value = f"{_number(each.value)} {each.unit}".rstrip()
    return (each.measure, each.what, value, bound, ratio, each.verdict, each.note)


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"


def _padded(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column in {2, 4} else cell.ljust(width)
