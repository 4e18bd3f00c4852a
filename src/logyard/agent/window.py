"""Which lines somebody wants: from when to when, of which stream, matching what.

``since`` is inclusive, ``until`` exclusive. Patterns are judged without the line feed; their engine is Polars', whose
time is linear in the line whatever the pattern: nobody can hang an agent with one. Polars takes 40 MB and half a second
to load, so that happens with the first pattern.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from logyard.agent.driver import STDERR, STDOUT, Line
from logyard.errors import BadInput

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DISORDER", "BadPattern", "Cut", "Window", "cut"]

Cut = Callable[[Sequence[Line]], Sequence[Line]]

DISORDER: Final = 1_000_000_000
"""Nanoseconds by which lines of one log may be out of order: readings begin so much earlier and end so much later."""


class BadPattern(BadInput):
    """A pattern that cannot be used."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. The defaults want everything."""

    since: int = 0
    """Nanoseconds since the Unix epoch; 0: no bound. So is ``until``."""
    until: int = 0
    stdout: bool = True
    stderr: bool = True
    include: tuple[str, ...] = ()
    """A line must match one of these ..."""
    exclude: tuple[str, ...] = ()
    """... and none of those."""

    @property
    def whole(self) -> bool:
        """Every line from ``since`` on is wanted."""
        return not (self.until or self.include or self.exclude) and self.stdout and self.stderr


def cut(window: Window) -> Cut:
    """A function that leaves the wanted lines, decided once. Raises ``BadPattern``."""
    steps = [step for step in (_timed(window), _streamed(window), _matched(window)) if step is not None]

    def run(lines: Sequence[Line]) -> Sequence[Line]:
        for step in steps:
            lines = step(lines)
        return lines

    return run


def _timed(window: Window) -> Cut | None:
    since, until = window.since, window.until
    if not since and not until:
        return None
    if not until:
        return lambda lines: [line for line in lines if line.time >= since]
    return lambda lines: [line for line in lines if since <= line.time < until]


def _streamed(window: Window) -> Cut | None:
    if window.stdout and window.stderr:
        return None
    wanted = STDOUT if window.stdout else STDERR
    return lambda lines: [line for line in lines if line.stream == wanted]


def _matched(window: Window) -> Cut | None:
    if not window.include and not window.exclude:
        return None
    polars = importlib.import_module("polars")
    text = polars.col("text")
    wanted: pl.Expr = polars.lit(value=True)
    if window.include:
        wanted &= polars.any_horizontal([text.str.contains(pattern) for pattern in window.include])
    for pattern in window.exclude:
        wanted &= ~text.str.contains(pattern)
    # A pattern that cannot be read should be refused now, not with the first line.
    for pattern in (*window.include, *window.exclude):
        _try(polars.DataFrame({"text": [""]}), text.str.contains(pattern), pattern)

    def match(lines: Sequence[Line]) -> Sequence[Line]:
        texts = [line.data.removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace") for line in lines]
        mask = polars.DataFrame({"text": texts}, schema={"text": polars.String}).select(keep=wanted)["keep"]
        return [line for line, keep in zip(lines, mask, strict=True) if keep]

    return match


def _try(frame: "pl.DataFrame", expression: "pl.Expr", pattern: str) -> None:
    import polars.exceptions  # noqa: PLC0415 - start-up time: Polars is loaded with the first pattern

    try:
        frame.select(expression)
    except polars.exceptions.PolarsError as error:
        why = str(error).strip().splitlines()[-1].strip()
        raise BadPattern(f"cannot parse pattern from {pattern!r}: {why}") from error
