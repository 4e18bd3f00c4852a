"""How far a long command has come: a bar on a terminal, a plain line now and then in a pipe. All on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from logyard.cli.terminal import is_terminal, without_controls

__all__ = ["Progress", "progress"]

_EVERY: Final = 5.0
"""Seconds between lines in a pipe."""


class Progress:
    """What a command tells about itself. ``quiet``: nothing."""

    def __init__(self, say: Callable[[str], None], show: Callable[[int, int, str], None]) -> None:
        self.say = say
        """A line that stays."""
        self._show = show
        self._done = self._total = 0

    def expect(self, total: int) -> None:
        """So many rows, or bytes, more."""
        self._total += total

    def advance(self, count: int, what: str) -> None:
        """So many of them are done; ``what``: at work on what."""
        self._done += count
        self._total = max(self._total, self._done)
        self._show(self._done, self._total, what)


@contextmanager
def progress(unit: str, *, quiet: bool) -> Iterator[Progress]:
    """``unit``: what is counted, in the plural."""
    if quiet:
        yield Progress(lambda _text: None, lambda _done, _total, _what: None)
    elif is_terminal(sys.stderr):
        with _bar(unit) as shown:
            yield shown
    else:
        yield _lines(unit)


def _lines(unit: str) -> Progress:
    last = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{without_controls(text)}\n")
        sys.stderr.flush()

    def show(done: int, total: int, what: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            say(f"{what}: {done:,} of {total:,} {unit}")

    return Progress(say, show)


@contextmanager
def _bar(unit: str) -> Iterator[Progress]:
    from rich import progress as rich  # noqa: PLC0415 - start-up time: no bar, no Rich
    from rich.console import Console  # noqa: PLC0415 - start-up time

    console = Console(stderr=True, highlight=False, markup=False)
    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TextColumn("{task.completed:,.0f} of {task.total:,.0f} " + unit, markup=False),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=0)
        yield Progress(
            lambda text: console.print(without_controls(text)),
            lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
        )
