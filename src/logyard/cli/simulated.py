"""What the commands that make logs have in common: a seed, simulated time, and a clean end by signal."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec
import typer

from logyard.clock import Clock
from logyard.errors import BadInput
from logyard.types import Nanoseconds

__all__ = [
    "ForOption",
    "SeedOption",
    "Simulated",
    "SpeedOption",
    "StartOption",
    "beginning",
    "length",
    "stopped_by_signals",
]

_PATIENCE_SECONDS: Final = 1.0


def _speed(text: str | float) -> float:
    """More than nothing; ``inf`` is a speed."""
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise typer.BadParameter(f"{text!r} is not a number above 0, or inf")
    return speed


SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="The same seed, the same course of events; by default a random one."),
]
SpeedOption = Annotated[
    float,
    typer.Option(
        "--speed",
        parser=_speed,
        metavar="FACTOR",
        help="60 makes an hour of logs in a minute; inf as fast as they can be written.",
    ),
]
StartOption = Annotated[
    str,
    typer.Option("--start", metavar="TIME", help="When the simulated time begins: as --since of 'logyard query'."),
]
ForOption = Annotated[
    str,
    typer.Option("--for", metavar="DURATION", help="End after so much simulated time: 90s, 1h. By default never."),
]


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line says about simulated time."""

    seed: int | None
    speed: float
    start: str
    duration: str

    def end(self, began: int, *, endless: bool = True) -> int | None:
        """In nanoseconds since the Unix epoch; None for no end. Raises ``typer.BadParameter``.

        ``endless``: nothing but --for can end it.
        """
        if self.duration:
            return began + length(self.duration)
        if endless and math.isinf(self.speed):
            raise typer.BadParameter("would fill the disk: say --for how long", param_hint="--speed inf")
        return None


def beginning(text: str, clock: Clock) -> int:
    """What --start says, in nanoseconds since the Unix epoch. Raises ``typer.BadParameter``."""
    if text == "now":
        return clock.now()
    from logyard.cli.times import LOCAL  # noqa: PLC0415 - start-up time: brings Polars
    from logyard.model.timerange import parse_time  # noqa: PLC0415 - the same

    try:
        return parse_time(text, Nanoseconds(clock.now()), LOCAL)
    except BadInput as error:
        raise typer.BadParameter(str(error), param_hint="--start") from error


def length(text: str, *, option: str = "--for") -> int:
    """A duration in nanoseconds, above 0. Raises ``typer.BadParameter``."""
    from logyard.model.timerange import parse_duration  # noqa: PLC0415 - start-up time: brings Polars

    try:
        duration = parse_duration(text)
    except BadInput as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    if not duration:
        raise typer.BadParameter("nothing happens in no time", param_hint=option)
    return duration


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Until the context ends, SIGINT and SIGTERM set ``stop``; what is being written is finished.

    Ctrl-C again, a while later, interrupts whatever is still waited for. (At once it does not: who stops a group of
    processes often says it twice.)
    """
    asked: list[float] = []

    def end(number: int, _frame: object) -> None:
        stop.set()
        asked.append(time.monotonic())
        if number == signal.SIGINT and asked[-1] - asked[0] > _PATIENCE_SECONDS:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
